"""The one exception for a mistake in somebody's data, declaration or command: a sentence, never a traceback."""


class DataError(Exception):
    """One sentence that names the file, row or field, what was found and what would be right."""
