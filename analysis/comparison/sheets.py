"""A comparison as titled tables of text, for a terminal and for Markdown alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.comparison.comparison import Comparison, Group, Row
from analysis.comparison.declaration import differing, flatten
from analysis.comparison.resampled import Estimate
from analysis.matching.split_score import blocks

RUNS_BESIDE = 10  # runs whose folds fit beside each other in 80 columns


@dataclass(frozen=True)
class Sheet:
    """One table: text as it is (not escaped for anything); the columns in `left` hold words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[str, ...]
    note: str = ""


def group_sheets(comparison: Comparison, group: Group, only_changed: bool) -> list[Sheet]:
    """Everything about one group; rows of all groups are numbered through. only_changed: no list of equal fields."""
    numbers = {id(row): str(number) for number, row in enumerate(comparison.rows, start=1)}
    of_rows = [numbers[id(row)] for row in group.rows]
    several = len(group.rows) > 1
    sheets = [_runs(comparison, group, of_rows)]
    if group.against is not None and several:
        sheets.append(_verdicts(comparison, group))
    sheets += _folds(group, of_rows)
    if several:
        sheets.append(_declared(group, of_rows, only_changed))
    questions = tuple(
        (number, row.run.folder.root.name, row.run.question or "not recorded")
        for number, row in zip(of_rows, group.rows, strict=True)
    )
    return [*sheets, Sheet("Questions", ("#", "run", "question"), questions, ("run", "question"))]


def legend(comparison: Comparison) -> list[str]:
    """What the columns mean, as far as they are there."""
    lines = [
        "F1: macro F1 of the out-of-fold table; 95 %: of samples of as many persons; folds: mean +- standard deviation",
        "time: training and validation of all folds' epochs, min:s",
    ]
    lost = sum(row.run.untimed for row in comparison.rows if row.run.seconds is not None)
    if lost:
        lines.append(f"+: {lost} {'epoch' if lost == 1 else 'epochs'} not timed, for the run was killed; time left out")
    if any(row.verdict for row in comparison.rows):
        lines += [
            "verdict: better or worse where the interval of the change, paired by person, leaves 0 out; of equally "
            "good runs it tells 1 in 20 apart",
            "images, persons: how many went to right (+) and to wrong (-); a person by the number of right images",
        ]
    return lines


def _runs(comparison: Comparison, group: Group, numbers: Sequence[str]) -> Sheet:
    public = any(row.public is not None for row in group.rows)
    private = any(row.private is not None for row in group.rows)
    columns = ("#", "run", "F1", "95 %", "folds", *["public"] * public, *["private"] * private, "time")
    rows = []
    for number, row in zip(numbers, group.rows, strict=True):
        run = row.run
        scores = [*[score(row.public)] * public, *[score(row.private)] * private]
        folds = f"{run.f1_mean:.4f}+-{run.f1_sd:.4f}" if len(run.folds) > 1 else "one fold"
        interval = f"{row.f1.low:.3f}-{row.f1.high:.3f}"
        rows.append((number, comparison.label(run), score(row.f1.value), interval, folds, *scores, clock(row)))
    return Sheet("Runs", columns, tuple(rows), ("run",))


def _verdicts(comparison: Comparison, group: Group) -> Sheet:
    rows = []
    for row in group.rows:
        if row.verdict is None:
            continue
        flips = row.verdict.flips
        rows.append(
            (
                comparison.label(row.run),
                f"{row.verdict.difference.value:+.4f}",
                signed_interval(row.verdict.difference),
                row.verdict.judgement,
                f"+{flips.images_right} -{flips.images_wrong}",
                f"+{flips.persons_right} -{flips.persons_wrong}",
            )
        )
    against = comparison.label(group.against) if group.against else ""
    columns = ("run", "change", "95 %", "verdict", "images", "persons")
    return Sheet(f"Verdicts against {against}", columns, tuple(rows), ("run", "verdict"))


def _folds(group: Group, numbers: Sequence[str]) -> list[Sheet]:
    """Scores of the folds beside each other, a column a run; none where there is one fold, the run's own score."""
    if len(group.rows[0].run.folds) < 2:
        return []
    sheets = []
    for part in blocks(len(group.rows), RUNS_BESIDE):
        runs = [row.run for row in group.rows[part]]
        rows = tuple(
            (str(of_fold[0].fold + 1), *(score(fold.f1) for fold in of_fold))
            for of_fold in zip(*(run.folds for run in runs), strict=True)
        )
        sheets.append(Sheet("F1 by fold", ("fold", *numbers[part]), rows, ()))
    return sheets


def _declared(group: Group, numbers: Sequence[str], only_changed: bool) -> Sheet:
    """Fields that differ, a row each value, with the numbers of the runs that declared it."""
    full = [flatten(row.run.record) for row in group.rows]
    short = [flatten(row.run.record, full=False) for row in group.rows]
    fields = differing(full)
    rows: list[tuple[str, ...]] = []
    for field in fields:
        declared = {number: record[field] for number, record in zip(numbers, full, strict=True) if field in record}
        shown = {number: record[field] for number, record in zip(numbers, short, strict=True) if field in record}
        if len(set(shown.values())) < len(set(declared.values())):
            shown = declared  # two functions of the same short name
        for place, value in enumerate(dict.fromkeys(shown.values())):
            who = " ".join(number for number, other in shown.items() if other == value)
            rows.append(("" if place else field, value, who))
    equal = [f"{field} {value}" for field, value in short[0].items() if field not in fields]
    note = "" if only_changed else f"Equal in all: {'; '.join(equal) or 'nothing'}."
    if not fields:
        note = f"No declared value differs. {note}".rstrip()
    return Sheet("Declared differently", ("field", "value", "#"), tuple(rows), ("field", "value", "#"), note)


def score(value: float | None) -> str:
    """A macro F1 with four digits, empty for none."""
    return "" if value is None else f"{value:.4f}"


def signed_interval(difference: Estimate) -> str:
    """Both ends of a difference's interval."""
    return f"{difference.low:+.4f} {difference.high:+.4f}"


def clock(row: Row) -> str:
    """Minutes and seconds, with hours where there are some; + where epochs were not timed, empty where none was."""
    if row.run.seconds is None:
        return ""
    minutes, seconds = divmod(round(row.run.seconds), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}+" if row.run.untimed else text
