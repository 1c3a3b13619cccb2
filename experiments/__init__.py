"""Experiments: one module is one experiment; a mistake in a declaration is one sentence, not a traceback."""

import sys
from types import TracebackType

from data.errors import DataError


def _one_sentence(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Declarations are checked while their module is imported, before any command line could catch what they raise."""
    misspelt = kind is TypeError and str(error).startswith("Experiment.__init__()")
    if misspelt or issubclass(kind, DataError):
        print(f"error: {error}", file=sys.stderr)
    elif issubclass(kind, KeyboardInterrupt):  # before the command line is there to say more
        print("error: stopped by Ctrl-C.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _one_sentence
