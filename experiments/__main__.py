"""python -m experiments: lists the experiments, and the commands that act on data and on finished runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from data.errors import DataError
from experiments._leaderboard import leaderboard
from experiments._match import match
from runners.display import make_console

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

app.add_typer(leaderboard, name="leaderboard")
app.command()(match)

Runs = Annotated[Path, typer.Option(help="Folder that keeps the runs.")]


@app.callback(invoke_without_command=True)
def list_experiments(context: typer.Context, runs: Runs = Path("runs")) -> None:
    """List the experiments with the question each asks and its last result."""
    if context.invoked_subcommand is None:
        _print_catalogue(runs)


@app.command()
def check(
    data: Annotated[Path, typer.Option(help="Folder of the competition, or a CSV with path,label,group.")],
) -> None:
    """Tell what is in a data set before training on it: counts, formats and every problem found."""
    from data.check_report import print_report
    from data.checks import check as check_data

    report = check_data(data)
    print_report(report, make_console())
    if not report.ready:
        raise typer.Exit(1)


def _print_catalogue(runs: Path) -> None:
    from analysis.catalogue import catalogue

    table = Table(box=None, pad_edge=False, show_header=True)
    for column in ("experiment", "question", "out-of-fold F1"):
        table.add_column(column, overflow="fold")
    for entry in catalogue(Path(__file__).parent, runs):
        table.add_row(
            escape(entry.name),
            escape(entry.question),
            f"{entry.result}\n{entry.date}" if entry.result else "not run yet",
        )
    make_console().print(table)
    make_console().print("\nRun one with: python -m experiments.<experiment> --data PATH", markup=False)


def main() -> None:
    """Run a command; a mistake in data is one sentence and exit code 1."""
    try:
        app(prog_name="python -m experiments")
    except DataError as error:
        make_console().print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
