"""Finished runs side by side, in groups measured on the same images, with verdicts against one run of the group."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.comparison.chosen_runs import Chosen
from analysis.comparison.finished_run import FinishedRun
from analysis.comparison.ground import Ground
from analysis.comparison.resampled import Estimate, resample
from analysis.comparison.verdict import Verdict, judge
from analysis.leaderboard.ledger import Submission, read_ledger
from analysis.leaderboard.match_inputs import check_submission_file
from data.errors import DataError

SORTS: dict[str, Callable[["Row"], float | str | None]] = {
    "f1": lambda row: _falling(row.f1.value),
    "mean": lambda row: _falling(row.run.f1_mean),
    "public": lambda row: _falling(row.public),
    "private": lambda row: _falling(row.private),
    "time": lambda row: row.run.seconds,
    "name": lambda row: row.run.name,
    "date": lambda row: row.run.folder.root.name,
}


@dataclass(frozen=True)
class Row:
    """A run: its out-of-fold F1 with interval, leaderboard scores, and the verdict (None for the one judged by)."""

    run: FinishedRun
    f1: Estimate
    public: float | None
    private: float | None
    verdict: Verdict | None


@dataclass(frozen=True)
class Group:
    """Runs on the same ground. apart: why they are not with the first group; against: the run the verdicts are by."""

    apart: str
    rows: tuple[Row, ...]
    against: FinishedRun | None

    @property
    def heading(self) -> str:
        """What the runs were measured on, and why they stand apart."""
        size = self.rows[0].run.ground.size
        return f"Apart, {self.apart}. {size}" if self.apart else size


@dataclass(frozen=True)
class Comparison:
    """All groups, and a sentence for everything that could not be read.

    The group of the run that was asked to judge by comes first, then the largest.
    """

    groups: tuple[Group, ...]
    remarks: tuple[str, ...]

    @property
    def rows(self) -> list[Row]:
        """The rows of all groups, as they are shown and counted."""
        return [row for group in self.groups for row in group.rows]

    def label(self, run: FinishedRun) -> str:
        """The experiment's name, with digits of the identity where several of its runs are compared."""
        several = sum(row.run.experiment == run.experiment for row in self.rows) > 1
        return run.short_name if several else run.experiment


def compare(chosen: Chosen, against: FinishedRun | None = None, sort_by: str = "f1") -> Comparison:
    """Compare runs; verdicts in each group are against `against` where it is in the group.

    Without one, they are against the run that most others of the group were copied from, else against its first.
    Raises DataError for no runs, or for an order that there is not (SORTS).
    """
    if sort_by not in SORTS:
        raise DataError(f"--sort-by is {sort_by!r}; expected one of {', '.join(SORTS)}.")
    runs = list(chosen.runs)
    if against is not None and not any(same_run(run, against) for run in runs):
        runs.append(against)
    if not runs:
        raise DataError(chosen.left_out[0] if chosen.left_out else "There is no finished run to compare yet.")
    scores, problems = leaderboard_scores(runs)
    by_ground: dict[str, list[FinishedRun]] = {}
    for run in runs:
        by_ground.setdefault(run.ground.key, []).append(run)
    ordered = sorted(
        by_ground.values(),
        key=lambda members: (against is not None and _reference(members, against) is None, -len(members)),
    )  # of equally large ones the first named
    first = ordered[0][0].ground
    groups = tuple(_group(members, first, against, scores, sort_by) for members in ordered)
    missed = [
        f"{_names(group)}: no verdict against {against.experiment}, which was measured on something else."
        for group in groups
        if against is not None and group.against is None
    ]
    unlike = [unlike_circumstances(row.run, group.against) for group in groups for row in group.rows]
    return Comparison(groups, (*chosen.left_out, *problems, *missed, *filter(None, unlike)))


def unlike_circumstances(run: FinishedRun, against: FinishedRun | None) -> str:
    """What beside the declaration differs between two runs, as a sentence: versions, device, the project's commit."""
    if against is None or same_run(run, against):
        return ""
    mine, other = (_circumstances(each) for each in (run, against))
    changed = [f"{name} {mine.get(name)} (there {other.get(name)})" for name in mine if mine[name] != other.get(name)]
    if not changed:
        return ""
    return f"{run.experiment} was made otherwise than {against.experiment}: {'; '.join(changed)}."


def _circumstances(run: FinishedRun) -> dict[str, str]:
    """Facts of environment.json that a score may depend on; threads and folds at a time move its last digits only."""
    environment = run.environment
    versions, compute = environment.get("versions"), environment.get("compute")
    facts = {f"{name}": str(version) for name, version in versions.items()} if isinstance(versions, dict) else {}
    if isinstance(compute, dict):
        facts["device"] = str(compute.get("device"))
    if "commit" in environment:
        facts["commit"] = f"{environment['commit']}"[:10] + (" with changes" if environment.get("dirty") else "")
    return facts


def leaderboard_scores(runs: Sequence[FinishedRun]) -> tuple[dict[str, Submission], list[str]]:
    """The ledger's row of each run by its folder, and a sentence for what can't be trusted of ledger and files."""
    found: dict[str, Submission] = {}
    problems: list[str] = []
    for folder in sorted({run.folder.root.parent.parent for run in runs}):
        try:
            rows = {row.run: row for row in read_ledger(folder)}
        except DataError as problem:
            problems.append(f"no leaderboard scores: {problem}")
            continue
        for run in runs:
            if run.folder.root.parent.parent != folder or run.name not in rows:
                continue
            try:
                check_submission_file(folder, rows[run.name])
                found[str(run.folder.root)] = rows[run.name]
            except DataError as problem:
                problems.append(f"{run.short_name} has no leaderboard score: {problem}")
    return found, problems


def _group(
    runs: list[FinishedRun],
    first: Ground,
    against: FinishedRun | None,
    scores: dict[str, Submission],
    sort_by: str,
) -> Group:
    ground = runs[0].ground
    labels = np.stack([run.labels for run in runs])  # (R, n)
    resampled = resample(ground.targets, ground.person_of_image, labels, ground.classes)
    reference = _reference(runs, against)
    rows = []
    for index, run in enumerate(runs):
        verdict = None
        if reference is not None and index != reference:
            verdict = judge(resampled, ground.targets, ground.person_of_image, labels, index, reference)
        handed_in = scores.get(str(run.folder.root))
        public, private = (handed_in.public, handed_in.private) if handed_in else (None, None)
        rows.append(Row(run, resampled.f1(index), public, private, verdict))
    rows.sort(key=lambda row: (SORTS[sort_by](row) is None, SORTS[sort_by](row)))
    return Group(ground.apart_from(first), tuple(rows), None if reference is None else runs[reference])


def _reference(runs: list[FinishedRun], against: FinishedRun | None) -> int | None:
    """Index of the run that verdicts are by; None where there is none to judge, or `against` is elsewhere."""
    if against is not None:
        return next((index for index, run in enumerate(runs) if same_run(run, against)), None)
    if len(runs) < 2:
        return None
    copied = Counter(run.parent for run in runs)
    return max(range(len(runs)), key=lambda index: copied[runs[index].experiment])  # the first of the most copied


def same_run(first: FinishedRun, second: FinishedRun) -> bool:
    """Whether two are one, by whatever paths they were named."""
    return first.folder.root.resolve() == second.folder.root.resolve()


def _names(group: Group) -> str:
    return ", ".join(row.run.experiment for row in group.rows)


def _falling(score: float | None) -> float | None:
    return None if score is None else -score
