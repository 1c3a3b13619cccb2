"""The one exception for a mistake in somebody's data, declaration or command: a sentence, never a traceback."""


class DataError(Exception):
    """One sentence that names the file, row or field, what was found and what would be right."""


def quote(text: str) -> str:
    """Text for such a sentence: in quotes, control characters escaped, cut after 260 characters (no name is longer)."""
    return repr(text if len(text) <= 260 else text[:260] + "...")
