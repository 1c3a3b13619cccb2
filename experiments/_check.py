"""python -m experiments check: what is in a data set, and all that is wrong with it, before a network sees it."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from runners.display import make_console


def check(
    data: Annotated[Path, typer.Option(help="Folder of the competition, or a CSV with path,label,group.")],
) -> None:
    """Tell what is in a data set before training on it: counts, formats, duplicates and every problem found."""
    from data.check_report import print_report
    from data.checks import check as check_data

    console, started = make_console(), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("decoding", total=None)
        report = check_data(data, progress=lambda done, total: bar.update(task, completed=done, total=total))
    print_report(report, console)
    console.print(f"{len(report.images):,} images looked at in {time.monotonic() - started:.1f} s.")
    if not report.ready:
        raise typer.Exit(1)
