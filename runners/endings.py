"""How a command ends: a sentence and an exit code for every way but a bug."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from data.errors import DataError
from runners.display import print_error

MISTAKE = 1  # in the data or the declaration; a mistake in the command is typer's, 2
INTERRUPTED, TERMINATED = 130, 143  # the shell's codes for Ctrl-C and for SIGTERM
_GO_ON = "The same command continues from the last finished epoch."
_UNWINDING_SECONDS = 3.0  # a command that was told to stop is gone by then, whatever it waits for
_AGAIN_SECONDS = 0.01  # after a stop was raised where Python ignores exceptions


class Terminated(BaseException):
    """SIGTERM, as schedulers and `kill` send it: unwound like Ctrl-C, so that nothing runs on."""


@contextmanager
def one_sentence(folder: Path) -> Iterator[None]:
    """What ends the block ends the command in order: nothing half written, no process left, no traceback.

    `folder` is named where the system reports an error without saying of which file. A first Ctrl-C or SIGTERM unwinds
    the block; a second one, or three seconds of unwinding, end the process at once: a commit is whole or not there.
    """
    stop = _Stop()
    before = {number: signal.signal(number, stop.first) for number in (signal.SIGINT, signal.SIGTERM)}
    sys.unraisablehook = stop.ignored
    try:
        yield
    except DataError as error:
        print_error(error)
        raise typer.Exit(MISTAKE) from None
    except OSError as error:  # a full disk, a folder that may not be written: what is committed stays
        print_error(f"{error.filename or folder}: {error.strerror or error}. {_GO_ON}")
        raise typer.Exit(MISTAKE) from None
    except MemoryError as error:
        print_error(f"{folder}: memory is short ({error or 'no more is said'}). {_GO_ON}")
        raise typer.Exit(MISTAKE) from None
    except KeyboardInterrupt:
        print_error(f"stopped by Ctrl-C. {_GO_ON}")
        raise typer.Exit(INTERRUPTED) from None
    except Terminated:
        print_error(f"ended by SIGTERM. {_GO_ON}")
        raise typer.Exit(TERMINATED) from None
    finally:
        if not stop.asked:  # else the interpreter is on its way out, and must get there
            sys.unraisablehook = stop.unraisablehook
            for number, handler in before.items():
                signal.signal(number, handler)


class _Stop:
    """What the two signals do.

    Python calls a handler wherever it is, and ignores what it raises in a finalizer or around a fork: it is raised
    again a moment later.
    """

    def __init__(self) -> None:
        self.asked = False
        self.unraisablehook = sys.unraisablehook

    def first(self, number: int, frame: FrameType | None) -> None:
        """Raise, and see to it that the process ends."""
        self.asked = True
        self.code = INTERRUPTED if number == signal.SIGINT else TERMINATED
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, self.at_once)
        self.unwind(number, frame)

    def unwind(self, number: int, frame: FrameType | None) -> None:
        """Raise, for three seconds at most."""
        signal.signal(signal.SIGALRM, self.at_once)
        signal.setitimer(signal.ITIMER_REAL, _UNWINDING_SECONDS)
        raise KeyboardInterrupt if self.code == INTERRUPTED else Terminated

    def ignored(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Hear of an exception that Python ignores; one of these is not to be."""
        if self.asked and issubclass(unraisable.exc_type, KeyboardInterrupt | Terminated):
            signal.signal(signal.SIGALRM, self.unwind)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        else:
            self.unraisablehook(unraisable)

    def at_once(self, number: int, frame: FrameType | None) -> None:
        """End without unwinding: folds and workers end with the process that started them."""
        os.write(2, f"error: ended at once. {_GO_ON}\n".encode())
        os._exit(self.code)
