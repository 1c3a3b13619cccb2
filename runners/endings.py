"""How a command ends: a sentence and an exit code for every way but a bug."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from data.errors import DataError
from runners.display import print_error
from runners.stop import GO_ON, INTERRUPTED, TERMINATED, Stop, Terminated, listening

MISTAKE = 1  # in the data or the declaration; a mistake in the command is typer's, 2


@contextmanager
def one_sentence(folder: Path) -> Iterator[None]:
    """What ends the block ends the command in order: nothing half written, no process left, no traceback.

    `folder` is named where the system reports an error without saying of which file. A first Ctrl-C or SIGTERM ends the
    block, where images are trained on or predicted after their batch (runners.stop); a second one, or four and a half
    seconds, end the process at once: whatever is written is whole or not there.
    """
    with listening(Stop(), signal.SIGINT, signal.SIGTERM):
        try:
            yield
        except DataError as error:
            print_error(error)
            raise typer.Exit(MISTAKE) from None
        except OSError as error:  # a full disk, a folder that may not be written: what is committed stays
            print_error(f"{error.filename or folder}: {error.strerror or error}. {GO_ON}")
            raise typer.Exit(MISTAKE) from None
        except MemoryError as error:
            print_error(f"{folder}: memory is short ({error or 'no more is said'}). {GO_ON}")
            raise typer.Exit(MISTAKE) from None
        except KeyboardInterrupt:
            print_error(f"stopped by Ctrl-C. {GO_ON}")
            raise typer.Exit(INTERRUPTED) from None
        except Terminated:
            print_error(f"ended by SIGTERM. {GO_ON}")
            raise typer.Exit(TERMINATED) from None
