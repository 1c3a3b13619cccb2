"""Experiments: one module is one experiment; a mistake in a declaration is one sentence, not a traceback."""

import atexit
import gc
import signal
import sys
from pathlib import Path
from types import TracebackType

# What is registered first, before torch and multiprocessing are imported, runs last: the alarm that bounds a stopped
# command (runners.stop) must not go off once Python has given its handlers back, it would change the exit code.
atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
# Python's end would look for garbage among all that torch and timm have imported: a second and more until the prompt.
atexit.register(gc.freeze)

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


def _help_at_once() -> None:
    """An experiment's --help, before its module imports what it declares, which takes seconds."""
    name = sys.orig_argv[-2].removeprefix("experiments.")
    source = Path(__file__).with_name(f"{name}.py")
    if source.is_file() and not name.startswith("_"):
        from runners.main import show_help

        show_help(source)


if sys.argv == ["-m", "--help"]:  # so they are while `python -m` looks for the module it is to run
    _help_at_once()
