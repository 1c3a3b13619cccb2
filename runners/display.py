"""What a person sees while a run is under way: a progress bar on a terminal, plain lines in a pipe."""

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from rich import progress as rich_progress
from rich.console import Console
from rich.markup import escape
from rich.progress import TaskID

PIPE_COLUMNS = 100
_REFRESH_SECONDS = 0.1


def make_console(stderr: bool = False) -> Console:
    """A console of the terminal's width; in a pipe 100 columns, no colours, no bar. stderr: the one for errors."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(highlight=False, emoji=False, width=None if stream.isatty() else PIPE_COLUMNS, stderr=stderr)


def plain(text: str) -> str:
    """Text for a console that shows it as it is: no markup, and blanks for control characters and marks of direction.

    Names of files, classes and people may hold anything; a terminal would obey an escape sequence among them. Ends of
    lines stay.
    """
    return escape("".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text))


def print_error(sentence: object) -> None:
    """Say what went wrong where errors are looked for: on standard error, as plain text."""
    make_console(stderr=True).print(plain(f"error: {sentence}"), soft_wrap=True)


class Progress(Protocol):
    """Who is told of a fold's progress: the display, or a process that passes it on to one."""

    def line(self, text: str) -> None:
        """Print a line."""

    def advance(self, batches: int, description: str) -> None:
        """Count batches."""


class Display:
    """Lines of text, and one bar for the whole run with its remaining time; used as a context manager."""

    def __init__(self, console: Console, batches: int = 0) -> None:
        self.console = console
        self._pending, self._shown_at = 0, time.monotonic()
        self._bar: rich_progress.Progress | None = None
        self._task = TaskID(0)
        if console.is_terminal and batches:
            columns = (
                rich_progress.TextColumn("{task.description}"),
                rich_progress.BarColumn(),
                rich_progress.MofNCompleteColumn(),
                rich_progress.TimeRemainingColumn(),
            )
            self._bar = rich_progress.Progress(*columns, console=console, auto_refresh=False, transient=True)
            self._task = self._bar.add_task("starting", total=batches)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def line(self, text: str) -> None:
        """Print one line above the bar; text from files and people is never read as markup."""
        self.console.print(plain(text), soft_wrap=True)

    def advance(self, batches: int, description: str) -> None:
        """Count batches; the bar is redrawn at most ten times a second."""
        if self._bar is None:
            return
        self._pending += batches
        if time.monotonic() - self._shown_at < _REFRESH_SECONDS:
            return
        self._bar.update(self._task, advance=self._pending, description=description)
        self._bar.refresh()
        self._pending, self._shown_at = 0, time.monotonic()
