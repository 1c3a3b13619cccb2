"""How a command ends: a sentence and an exit code for every way but a bug."""

import signal
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


class Terminated(BaseException):
    """SIGTERM, as schedulers and `kill` send it: unwound like Ctrl-C, so that nothing runs on."""


@contextmanager
def one_sentence(folder: Path) -> Iterator[None]:
    """What ends the block ends the command in order: nothing half written, no process left, no traceback.

    `folder` is named where the system reports an error without saying of which file.
    """
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except DataError as error:
        print_error(error)
        raise typer.Exit(MISTAKE) from None
    except OSError as error:  # a full disk, a folder that may not be written: what is committed stays
        print_error(f"{error.filename or folder}: {error.strerror or error}. {_GO_ON}")
        raise typer.Exit(MISTAKE) from None
    except KeyboardInterrupt:
        print_error(f"stopped by Ctrl-C. {_GO_ON}")
        raise typer.Exit(INTERRUPTED) from None
    except Terminated:
        print_error(f"ended by SIGTERM. {_GO_ON}")
        raise typer.Exit(TERMINATED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
