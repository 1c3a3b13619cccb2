"""Experiments: one module is one experiment; a mistake in a declaration is one sentence, not a traceback."""

import atexit
import signal
import sys
from types import TracebackType

# What is registered first, before torch and multiprocessing are imported, runs last: the alarm that bounds a stopped
# command (runners.stop) must not go off once Python has given its handlers back, it would change the exit code.
atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)

from data.errors import DataError  # noqa: E402


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
