"""The ledger of hypotheses: what each experiment asked, what it changed, what came of it, and the verdict on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.comparison.chosen_runs import choose
from analysis.comparison.comparison import leaderboard_scores, unlike_circumstances
from analysis.comparison.declaration import changes
from analysis.comparison.finished_run import FinishedRun, read_finished_run
from analysis.comparison.overrules import Overrule, read_overrules
from analysis.comparison.resampled import Estimate, resample
from analysis.comparison.verdict import Verdict, judge
from data.errors import DataError
from runners.run_folder import list_runs


@dataclass(frozen=True)
class Entry:
    """One experiment by its latest finished run. verdict: against the parent, None for the reason in `unjudged`."""

    run: FinishedRun
    applied: str
    f1: Estimate
    public: float | None
    private: float | None
    verdict: Verdict | None
    unjudged: str
    overrule: Overrule | None


def hypotheses(runs: Path) -> tuple[list[Entry], list[str]]:
    """An entry for each experiment with a finished run, and a sentence for all that is left out.

    Parents come before what was copied from them, else the oldest first.
    """
    chosen = choose(runs, ())
    scores, problems = leaderboard_scores(chosen.runs)
    overrules = {row.run: row for row in read_overrules(runs)}
    known = {run.folder.root: run for run in chosen.runs}
    entries, unlike = [], []
    for run in chosen.runs:
        parent, missing = _parent_run(runs, run, known)
        unlike += [said for said in (unlike_circumstances(run, parent),) if said]
        handed_in = scores.get(str(run.folder.root))
        f1, verdict = _judged(run, parent)
        entries.append(
            Entry(
                run=run,
                applied=_applied(run, parent, missing),
                f1=f1,
                public=handed_in.public if handed_in else None,
                private=handed_in.private if handed_in else None,
                verdict=verdict,
                unjudged=missing or ("" if parent is None else run.ground.apart_from(parent.ground)),
                overrule=overrules.pop(run.name, None),
            )
        )
    parents = {entry.run.experiment: entry.run.parent for entry in entries}
    entries.sort(key=lambda entry: _generation(entry.run.experiment, parents))
    unused = [
        f"The overruled verdict on {name} ({row.verdict}) is on no latest run." for name, row in overrules.items()
    ]
    return entries, [*chosen.left_out, *problems, *unused, *unlike]


def _parent_run(runs: Path, run: FinishedRun, known: dict[Path, FinishedRun]) -> tuple[FinishedRun | None, str]:
    """The parent's latest run on the same ground, else its latest; None with the reason where there is none.

    known: runs that were read already, by folder; what is read is added.
    """
    if run.parent is None:
        return None, "no parent" if run.record else "no declaration kept with the run"
    if run.parent == run.experiment:
        return None, "it names itself as its parent"
    latest, problem = None, ""
    for folder in reversed(list_runs(runs)):
        if folder.root.parent.name != run.parent or not folder.finished:
            continue
        try:
            parent = known.setdefault(folder.root, known.get(folder.root) or read_finished_run(folder))
        except DataError as error:
            problem = problem or f": {error}"
            continue
        if parent.ground.key == run.ground.key:
            return parent, ""
        latest = latest or parent
    return latest, "" if latest else f"its parent {run.parent} has no finished run{problem}"


def _applied(run: FinishedRun, parent: FinishedRun | None, missing: str) -> str:
    if parent is None:
        return f"not computed: {missing}" if run.parent or not run.record else "the start, copied from none"
    texts = [change.text for change in changes(parent.record, run.record)]
    parts = [run.identity.get("files"), parent.identity.get("files")]
    if not texts and None not in parts and parts[0] != parts[1]:
        return "the content of a file that is declared"
    return "; ".join(texts) or "nothing that is declared"


def _generation(experiment: str, parents: Mapping[str, str | None]) -> int:
    """How many of an experiment's forebears are known, one after the other."""
    line = [experiment]
    while (parent := parents.get(line[-1])) in parents and parent not in line:
        line.append(str(parent))
    return len(line)


def _judged(run: FinishedRun, parent: FinishedRun | None) -> tuple[Estimate, Verdict | None]:
    """The run's score with its interval, and the verdict where the parent was measured on the same."""
    comparable = parent is not None and parent.ground.key == run.ground.key
    members: Sequence[FinishedRun] = (run, parent) if parent is not None and comparable else (run,)
    labels, ground = np.stack([member.labels for member in members]), run.ground
    resampled = resample(ground.targets, ground.person_of_image, labels, ground.classes)
    if not comparable:
        return resampled.f1(0), None
    return resampled.f1(0), judge(resampled, ground.targets, ground.person_of_image, labels, run=0, against=1)
