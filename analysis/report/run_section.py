"""What the report says of one run: its curves, and its mistakes out of fold."""

from dataclasses import dataclass
from importlib.util import find_spec

from analysis.comparison.finished_run import FinishedRun
from analysis.mistakes.calibration import Calibration, calibration
from analysis.mistakes.class_costs import ClassCost, class_costs
from analysis.mistakes.confusion import ConfusedPair, Confusion, confused_pairs, confusions
from analysis.mistakes.judged_images import JudgedImages, read_judged_images
from analysis.mistakes.suspects import Suspects, find_suspects
from analysis.mistakes.worst_mistakes import Mistake, PersonWrong, persons_wrong_throughout, worst_mistakes
from analysis.report.fold_logs import FoldLog, read_fold_logs

WORST = 8  # mistakes shown of a run, each person's worst
PAIRS = 10  # confused classes shown of a run
THROUGHOUT = 8  # persons wrong in all images shown of a run


@dataclass(frozen=True)
class RunSection:
    """One run. mistakes, persons_wrong: how many there are; pairs, worst and throughout hold the first of them."""

    name: str  # as tables show it: the experiment, with its identity where two runs share one
    finished: FinishedRun
    logs: tuple[FoldLog, ...]
    judged: JudgedImages
    confusions: tuple[Confusion, ...]
    costs: tuple[ClassCost, ...]
    calibration: Calibration
    pairs: tuple[ConfusedPair, ...]
    worst: tuple[Mistake, ...]
    mistakes: int
    throughout: tuple[PersonWrong, ...]
    persons_wrong: int
    suspects: Suspects | None  # None where cleanlab is not installed

    @property
    def f1(self) -> float:
        """Out-of-fold macro F1."""
        return self.finished.f1


def run_section(name: str, finished: FinishedRun) -> RunSection:
    """Everything of one finished run; DataError where its files are missing, damaged or do not fit each other."""
    judged = read_judged_images(finished.folder)
    throughout = persons_wrong_throughout(judged)
    return RunSection(
        name=name,
        finished=finished,
        logs=read_fold_logs(finished),
        judged=judged,
        confusions=confusions(judged),
        costs=class_costs(judged),
        calibration=calibration(judged),
        pairs=confused_pairs(judged)[:PAIRS],
        worst=worst_mistakes(judged, WORST, one_a_person=True),
        mistakes=int(judged.wrong.sum()),
        throughout=throughout[:THROUGHOUT],
        persons_wrong=len(throughout),
        suspects=find_suspects(judged) if find_spec("cleanlab") else None,
    )
