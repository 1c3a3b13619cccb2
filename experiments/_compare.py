"""python -m experiments compare and ledger: is a run really better, and what came of every hypothesis."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from data.errors import DataError
from runners.display import make_console, plain

if TYPE_CHECKING:
    from rich.console import Console

    from analysis.comparison.comparison import Comparison
    from analysis.comparison.sheets import Sheet

RUNS = Path("runs")
LEDGER_BEGINS = "| experiment | hypothesis |"  # by which a ledger that may be written anew is known
Runs = Annotated[Path, typer.Option(help="Folder that keeps the runs.")]
Run = Annotated[str, typer.Argument(help="An experiment (its latest finished run), or a run's folder.")]


def compare(
    run: Annotated[
        list[str] | None,
        typer.Argument(help="Experiments (their latest finished runs) or runs' folders; none: every experiment."),
    ] = None,
    runs: Runs = RUNS,
    sort_by: Annotated[
        Literal["f1", "mean", "public", "private", "time", "name", "date"],
        typer.Option(help="The best, or the oldest, first."),
    ] = "f1",
    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Of the declarations, only what differs.")
    ] = False,
    output: Annotated[
        Literal["table", "md", "csv", "json"], typer.Option("--format", help="csv and json: all digits.")
    ] = "table",
    against: Annotated[
        str | None, typer.Option(help="The run that verdicts are by; else the one most others were copied from.")
    ] = None,
) -> None:
    """Compare finished runs: scores with intervals, folds, what was declared, and a verdict on each.

    Only runs on the same images, persons and split are judged by each other; others stand apart. Explained in
    docs/comparison.md.
    """
    # Imported here: numpy makes nobody wait who asks for --help.
    from analysis.comparison.chosen_runs import choose, find_finished
    from analysis.comparison.comparison import compare as compare_runs
    from analysis.comparison.export import as_csv, as_json, as_markdown
    from analysis.comparison.finished_run import read_finished_run
    from analysis.comparison.markdown import one_line

    names = run or []
    chosen = choose(runs, names)
    judged_by = None if against is None else read_finished_run(find_finished(runs, against))
    comparison = compare_runs(chosen, judged_by, sort_by)
    if output == "table":
        _print_comparison(make_console(), comparison, only_changed)
    else:
        write = {"md": as_markdown, "csv": as_csv, "json": as_json}[output]
        sys.stdout.write(write(comparison, only_changed))
        for remark in comparison.remarks if output == "csv" else ():
            make_console(stderr=True).print(one_line(remark), markup=False, soft_wrap=True)
    if names and chosen.left_out:
        raise typer.Exit(1)  # a run that was asked for is not there


def _print_comparison(console: "Console", comparison: "Comparison", only_changed: bool) -> None:
    from analysis.comparison.markdown import one_line
    from analysis.comparison.sheets import group_sheets, legend

    for group in comparison.groups:
        console.print(plain(group.heading), style="bold")
        console.print()
        for sheet in group_sheets(comparison, group, only_changed):
            console.print(_table(sheet) if sheet.rows else plain(sheet.title))
            if sheet.note:
                console.print(plain(one_line(sheet.note)))
            console.print()
    for line in (*legend(comparison), *comparison.remarks):
        console.print(plain(one_line(line)))


def _table(sheet: "Sheet") -> Table:
    from analysis.comparison.markdown import one_line

    shown = Table(
        title=plain(one_line(sheet.title)), title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in sheet.columns:
        words = column in sheet.left
        shown.add_column(
            column, justify="left" if words else "right", no_wrap=not words, overflow="fold" if words else "ellipsis"
        )
    for row in sheet.rows:
        shown.add_row(*(plain(one_line(text)) for text in row))
    return shown


ledger = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@ledger.callback(invoke_without_command=True)
def write_ledger(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; without it, printed.")] = None,
    runs: Runs = RUNS,
) -> None:
    """Tell what came of every hypothesis, as a Markdown table.

    Hypothesis, what was applied (computed from the parent's record), result, leaderboard, verdict: one row an
    experiment.
    """
    if context.invoked_subcommand is not None:
        _refuse_before(context, context.invoked_subcommand)
        return
    from analysis.comparison.hypotheses import hypotheses
    from analysis.comparison.hypothesis_table import as_markdown
    from runners.state import write_text

    entries, remarks = hypotheses(runs)
    if not entries:
        raise DataError(remarks[0] if remarks else f"No run in {runs} is finished; there is nothing to tell yet.")
    text = as_markdown(entries, remarks)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        if out.exists() and out.read_bytes()[: len(LEDGER_BEGINS)] != LEDGER_BEGINS.encode():
            raise DataError(f"{out} is there and no ledger: another name would be right, nothing of yours is replaced.")
        write_text(out, text)
    except OSError as error:
        raise DataError(f"{out} can't be written: {error.strerror}.") from error
    _say(f"written  {out}: {len(entries)} {'experiment' if len(entries) == 1 else 'experiments'}", *remarks)


@ledger.command()
def overrule(
    run: Run,
    verdict: Annotated[Literal["better", "worse", "not told apart"], typer.Argument(help="Against its parent.")],
    because: Annotated[str, typer.Option(help="The reason; it is shown beside the computed verdict.")],
    runs: Runs = RUNS,
) -> None:
    """Put a verdict of your own in place of the computed one, with a reason."""
    from analysis.comparison.finished_run import read_finished_run
    from analysis.comparison.overrules import VERDICTS
    from analysis.comparison.overrules import overrule as enter
    from analysis.leaderboard.registration import find_run

    folder = find_run(runs, run)
    if read_finished_run(folder).parent is None:
        raise DataError(f"{folder.root.parent.name} has no parent: there is no verdict to overrule.")
    name = folder.root.relative_to(runs).as_posix()
    before = enter(runs, name, verdict, because, datetime.now().astimezone())
    replaced = f" (in place of {before.verdict}: {before.because})" if before else ""
    _say(f"entered  {name}: {verdict}{replaced}", f"kept in  {runs / VERDICTS}")


@ledger.command()
def uphold(run: Run, runs: Runs = RUNS) -> None:
    """Take an overruled verdict back: the computed one stands again."""
    from analysis.comparison.overrules import uphold as take_back
    from analysis.leaderboard.registration import find_run

    name = find_run(runs, run).root.relative_to(runs).as_posix()
    before = take_back(runs, name)
    _say(f"upheld   {name}: computed verdict; no longer {before.verdict}, because: {before.because}")


def _refuse_before(context: typer.Context, command: str) -> None:
    """A usage error for options of the table in front of a command, which would not hear of them."""
    for name in ("runs", "out"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"it belongs to the table; a command takes its options after its name: ledger {command} ...",
                param_hint=f"--{name}",
            )


def _say(*lines: str) -> None:
    for line in lines:
        make_console().print(plain(line), soft_wrap=True)
