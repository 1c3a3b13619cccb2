"""python -m experiments: lists the experiments, and the commands that act on data and on finished runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from data.errors import DataError
from experiments._cache import cache
from experiments._check import check
from experiments._compare import compare, ledger
from experiments._ensemble import ensemble
from experiments._export import export
from experiments._find import find_batch_size, find_lr
from experiments._leaderboard import leaderboard
from experiments._match import match
from experiments._mistakes import mistakes
from experiments._predict import predict
from experiments._preview import preview
from experiments._report import report
from experiments._run import run
from experiments._submissions import check_submission, vote
from experiments._summary import summary
from experiments._tune import tune
from runners.display import make_console, plain, print_error

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

app.add_typer(cache, name="cache")
app.add_typer(leaderboard, name="leaderboard")
app.command()(run)
app.command()(check)
app.command()(preview)
app.command()(match)
app.command()(compare)
app.add_typer(ledger, name="ledger")
app.command()(mistakes)
app.command()(report)
app.command()(ensemble)
app.command()(vote)
app.command()(check_submission)
app.command()(predict)
app.command()(export)
app.command()(tune)
app.command()(find_lr)
app.command()(find_batch_size)
app.command()(summary)

Runs = Annotated[Path, typer.Option(help="Folder that keeps the runs.")]


@app.callback(invoke_without_command=True)
def list_experiments(context: typer.Context, runs: Runs = Path("runs")) -> None:
    """List the experiments with the question each asks and its last result."""
    if context.invoked_subcommand is None:
        _print_catalogue(runs)


def _print_catalogue(runs: Path) -> None:
    from analysis.catalogue import catalogue

    table = Table(box=None, pad_edge=False, show_header=True)
    for column in ("experiment", "question", "out-of-fold F1"):
        table.add_column(column, overflow="fold")
    for entry in catalogue(Path(__file__).parent, runs):
        table.add_row(
            plain(entry.name),
            plain(entry.question),
            f"{entry.result}\n{entry.date}" if entry.result else "not run yet",
        )
    make_console().print(table)
    make_console().print("\nRun one with: python -m experiments.<experiment> --data PATH", markup=False)


def main() -> None:
    """Run a command; a mistake in data is one sentence and exit code 1."""
    try:
        app(prog_name="python -m experiments")
    except DataError as error:
        print_error(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
