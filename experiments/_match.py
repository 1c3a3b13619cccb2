"""python -m experiments match: which persons to validate on, so that validation says what the leaderboard will say."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from runners.display import make_console, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from rich.console import Console

    from analysis.leaderboard.match_record import MatchFiles
    from analysis.leaderboard.matched_split import Expectation
    from analysis.split_match import SplitMatch

SAMPLE = Path("input/sample")
MATCHED = Path("splits/matched.csv")


def match(
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
    data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
    corrections: Annotated[
        Path | None, typer.Option(help="CSV of label corrections, where the runs were made with one.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The split; its k-fold, record and picture go beside it.")] = MATCHED,
    valid_fraction: Annotated[float, typer.Option(help="Share of the persons to validate on.")] = 0.2,
    candidates: Annotated[int, typer.Option(min=1, help="Splits to score, over all families.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 0,
) -> None:
    """Pick the validation split whose scores match the leaderboard's, and say what it is worth.

    Takes every registered submission with a public score; nothing is trained. Explained in docs/leaderboard.md.
    """
    # Imported here: numpy and scipy make nobody wait who asks for --help.
    from analysis.leaderboard.ledger import read_ledger
    from analysis.leaderboard.match_inputs import gather_inputs
    from analysis.leaderboard.match_plot import match_picture, write_match_plot
    from analysis.leaderboard.match_record import MatchFiles
    from analysis.leaderboard.matched_split import MatchSettings, expectations, write_match
    from analysis.split_match import match_folds
    from data.reading import read_data

    inputs = gather_inputs(runs, read_ledger(runs), read_data(data, corrections))
    found = match_folds(
        inputs.folds, inputs.table["target"], inputs.table["person"], inputs.oof, inputs.public, test=inputs.test,
        valid_fraction=valid_fraction, candidates=candidates, seed=seed,
    )
    files, settings = MatchFiles(out), MatchSettings(valid_fraction, candidates)
    write_match(files, found, inputs, settings, datetime.now().astimezone())
    write_match_plot(files.plot, match_picture(found, inputs))

    console = make_console()
    console.print(_families(found.table))
    console.print("error: leave-one-submission-out; luck: chance that meaningless splits rank the runs as well\n",
                  markup=False)
    console.print(plain(found.advice) + "\n")
    console.print(_runs(expectations(found, inputs)))
    _print_end(console, found, inputs.left_out, files)


def _families(table: "pd.DataFrame") -> Table:
    """Families and references: their error, order, luck, and which were taken."""
    shown = Table(title="Ways to foretell the public score", title_justify="left", box=None, pad_edge=False)
    shown.add_column("family or reference", overflow="fold")
    for heading in ("error", "95 %", "kendall", "luck", ""):
        shown.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, row in table.iterrows():
        marks = [mark for mark, column in (("chosen", "chosen"), ("expected by", "recommended")) if row[column]]
        order = "" if row["kendall"] != row["kendall"] else f"{row['kendall']:.2f}"     # NaN: there is no order
        luck = "" if row["kind"] == "reference" else f"{row['luck']:.2f}"
        shown.add_row(plain(str(name)), f"{row['error']:.4f}", f"{row['low']:.4f}-{row['high']:.4f}", order, luck,
                      ", ".join(marks))
    return shown


def _runs(expected: "Sequence[Expectation]") -> Table:
    """Each submission's public score beside what was to be expected."""
    shown = Table(title="Runs", title_justify="left", box=None, pad_edge=False)
    shown.add_column("run", overflow="fold")
    for heading in ("expected", "95 %", "public", "matched split"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for each in expected:
        public = each.submission.public
        shown.add_row(plain(each.submission.short_name), f"{each.expected:.4f}", f"{each.low:.3f}-{each.high:.3f}",
                      "not yet" if public is None else f"{public:.4f}", f"{each.split:.4f}")
    return shown


def _print_end(console: "Console", found: "SplitMatch", left_out: "Sequence[str]", files: "MatchFiles") -> None:
    console.print()
    for sentence in left_out:
        console.print(plain(sentence))
    lines = [
        f"noise    a public score strays by +-{1.96 * found.noise:.4f} (95 %) with the persons it is measured on",
        f"split    {files.split}: {len(found.persons)} persons to validate on, the rest to train on",
        f"k-fold   {files.kfold}: fold 0 is the match",
        f"record   {files.record}",
        f"picture  {files.plot}",
        "next     python -m experiments.focal_matched   trains on the rest and validates on the match",
    ]
    for line in lines:
        console.print(plain(line), soft_wrap=True)
