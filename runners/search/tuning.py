"""Searches the fields that an experiment marks: each trial is an ordinary run, given up where its first folds are poor.

Trials are kept in a database on disk. What was interrupted is tried again with the same values, and since equal values
are an equal run, it goes on from its last committed epoch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from callbacks.metrics import confusion_matrix, macro_f1
from data.errors import DataError
from runners.display import Progress
from runners.experiment import Experiment
from runners.fold import run_fold
from runners.fold_rows import Fold
from runners.search.search_space import Choice, Integer, LogUniform, Space, with_values

if TYPE_CHECKING:
    from optuna import Study, Trial

Values = Mapping[str, Any]
TRIALS_BEFORE_GIVING_UP = 5  # trials that are finished before any is compared with them
_FAILURE = "failure"  # attribute of a trial: why its values cannot be run; one whose process ended has none


@dataclass(frozen=True)
class Attempt:
    """One trial: its values, and its out-of-fold macro F1 over the folds that were run; NaN where it failed."""

    number: int
    values: Values
    f1: float
    folds: int
    finished: bool  # False: given up after `folds` folds, or failed
    failure: str = ""  # why its values cannot be run, a sentence


def open_study(storage: Path, name: str, seed: int) -> "Study":
    """The study of that name, new or as it was left; DataError where Optuna is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise DataError("tune needs Optuna: python -m pip install -r requirements-optuna.txt") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=name,
        storage=f"sqlite:///{storage}",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_GIVING_UP, n_warmup_steps=0),
    )
    drawn = len(study.get_trials(deepcopy=False))  # `seed` alone would draw the values of the last start once more
    study.sampler = optuna.samplers.TPESampler(seed=(seed + drawn) % 2**32)
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if _FAILURE not in trial.user_attrs:
            study.enqueue_trial(dict(trial.params))  # its process is gone: one process at a time holds a study
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def search(
    study: "Study",
    experiment: Experiment,
    space: Space,
    trials: int,
    make_folds: Callable[[Experiment], Sequence[Fold]],
    progress: Progress,
    tell: Callable[[Attempt], None],
) -> None:
    """Run trials until `trials` of them are finished, given up or failed, those of earlier starts counted.

    make_folds: the folds of a trial's experiment, in a run folder of its own. tell: is given every attempt. A DataError
    is the trial's: its values contradict each other, or no number comes of them, and would again. They are left behind;
    whatever else is raised ends the search, and its next start tries them again.
    """
    import optuna

    state = optuna.trial.TrialState
    done = (state.COMPLETE, state.PRUNED)
    while len(study.get_trials(deepcopy=False, states=done)) + len(failures(study)) < trials:
        trial = study.ask()
        values = {path: _suggest(trial, path, space[path]) for path in space}
        trial.set_user_attr("values", values)  # as they were run: rounded
        try:
            attempt = _attempt(trial, values, make_folds(with_values(experiment, values)), progress)
        except DataError as error:
            attempt = Attempt(trial.number, values, float("nan"), 0, finished=False, failure=str(error))
            trial.set_user_attr(_FAILURE, attempt.failure)
        ending = state.COMPLETE if attempt.finished else state.FAIL if attempt.failure else state.PRUNED
        study.tell(trial, attempt.f1 if attempt.finished else None, state=ending)
        tell(attempt)


def failures(study: "Study") -> list[str]:
    """Why trials failed, in their order; those whose process ended are not among them."""
    import optuna

    failed = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.FAIL,))
    return [trial.user_attrs[_FAILURE] for trial in failed if _FAILURE in trial.user_attrs]


def _attempt(trial: "Trial", values: Values, folds: Sequence[Fold], progress: Progress) -> Attempt:
    """Fold after fold, as long as the score so far keeps up with that of earlier trials after as many folds."""
    targets, answers = [], []
    f1 = 0.0
    for done, fold in enumerate(folds, start=1):
        targets.append(fold.valid["target"].to_numpy())
        answers.append(run_fold(fold, progress)["valid"].argmax(1))
        f1 = macro_f1(confusion_matrix(np.concatenate(targets), np.concatenate(answers), fold.classes))
        trial.report(f1, done)
        if done < len(folds) and trial.should_prune():
            return Attempt(trial.number, values, f1, done, finished=False)
    return Attempt(trial.number, values, f1, len(folds), finished=True)


def best(study: "Study") -> Attempt | None:
    """The finished trial with the highest score; None while there is none."""
    import optuna

    finished = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if not finished:
        return None
    top = max(finished, key=lambda trial: (float(trial.value or 0.0), -trial.number))
    values = top.user_attrs["values"]
    return Attempt(top.number, values, float(top.value or 0.0), len(top.intermediate_values), finished=True)


def _suggest(trial: "Trial", path: str, range_: Any) -> Any:
    if isinstance(range_, Choice):
        return trial.suggest_categorical(path, range_.options)
    if isinstance(range_, Integer):
        return trial.suggest_int(path, range_.low, range_.high)
    return float(f"{trial.suggest_float(path, range_.low, range_.high, log=isinstance(range_, LogUniform)):.4g}")
