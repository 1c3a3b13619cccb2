"""Names as pictures show them: anything may be in a name, and nothing of it may move a label or be taken for markup."""


def printable(text: str) -> str:
    """The same text with characters that do not print (line ends, control codes) as escapes."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def shortened(text: str, most: int) -> str:
    """At most so many letters, the middle of a longer text left out: names differ at either end."""
    text = printable(text)
    if len(text) <= most:
        return text
    kept = most - 1
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
