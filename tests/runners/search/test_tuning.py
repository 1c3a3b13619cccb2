import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from data.errors import DataError
from runners.search import tuning
from runners.search.search_space import Choice, Integer, LogUniform, Uniform
from runners.search.tuning import best, failures, open_study, search
from runners.stop import Terminated

TARGETS = np.arange(60) % 3
SPACE = {"optimizer.lr": LogUniform(1e-4, 1e-1), "model.drop_rate": Uniform(0, 0.5), "batch_size": Integer(2, 9)}


class Silent:
    def line(self, text: str) -> None:
        pass

    def advance(self, batches: int, description: str) -> None:
        pass


@pytest.fixture
def start(declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Searches with folds that train nothing: the share of right answers is a function of the learning rate."""

    def run_fold(fold, progress):
        right = np.random.default_rng(fold.number).random(20) < 1 - abs(np.log10(fold.lr) + 3) / 3
        answers = np.where(right, fold.valid["target"], (fold.valid["target"] + 1) % 3)
        return {"valid": np.eye(3)[answers]}

    monkeypatch.setattr(tuning, "run_fold", run_fold)

    def make_folds(experiment):
        tables = [pd.DataFrame({"target": TARGETS[20 * number : 20 * number + 20]}) for number in range(3)]
        lr = experiment.optimizer.keywords["lr"]
        return [SimpleNamespace(number=n, valid=table, classes=3, lr=lr) for n, table in enumerate(tables)]

    def run(trials: int, folds=make_folds, space=SPACE):
        study, told = open_study(tmp_path / "study.db", "tiny", seed=0), []
        search(study, declare(), space, trials, folds, Silent(), told.append)
        return study, told

    run.make_folds, run.storage = make_folds, tmp_path / "study.db"
    return run


def test_values_lie_in_their_ranges_and_the_best_is_the_best(start) -> None:
    study, told = start(12)
    assert len(told) == 12
    for attempt in told:
        assert 1e-4 <= attempt.values["optimizer.lr"] <= 1e-1 and 0 <= attempt.values["model.drop_rate"] <= 0.5
        assert attempt.values["batch_size"] in range(2, 10)
        assert attempt.values["optimizer.lr"] == float(f"{attempt.values['optimizer.lr']:.4g}"), "fit to be read"
    finished = [attempt for attempt in told if attempt.finished]
    top = best(study)
    assert top == max(finished, key=lambda attempt: attempt.f1) and top.folds == 3


def test_a_score_is_macro_f1_of_the_images_of_all_folds_so_far(start) -> None:
    seen = []

    def folds(experiment):
        seen.append(start.make_folds(experiment))
        return seen[-1]

    _, (attempt,) = start(1, folds)
    answers = np.concatenate([tuning.run_fold(fold, None)["valid"].argmax(1) for fold in seen[0]])
    assert attempt.f1 == pytest.approx(f1_score(TARGETS, answers, average="macro"), abs=1e-12)


def test_poor_trials_are_given_up_after_their_first_folds_but_not_before_some_are_finished(start) -> None:
    _, told = start(25)
    assert all(attempt.finished for attempt in told[: tuning.TRIALS_BEFORE_GIVING_UP])
    given_up = [attempt for attempt in told if not attempt.finished]
    assert given_up and all(1 <= attempt.folds < 3 for attempt in given_up)
    finished = [attempt.f1 for attempt in told if attempt.finished]
    assert np.mean([attempt.f1 for attempt in given_up]) < np.mean(finished)


def test_a_search_goes_on_where_it_was_left_and_tries_the_interrupted_values_again(start) -> None:
    interrupted = []

    def folds(experiment):
        if len(interrupted) == 3:
            raise KeyboardInterrupt
        interrupted.append(experiment.optimizer.keywords["lr"])
        return start.make_folds(experiment)

    values = []

    def noted(experiment):
        values.append(experiment.optimizer.keywords["lr"])
        return start.make_folds(experiment)

    with pytest.raises(KeyboardInterrupt):
        start(6, folds)
    pending = open_study_values(start)
    _, told = start(6, noted)
    assert len(told) == 3, "three of six were there already"
    assert values[0] == pending


def open_study_values(start) -> float:
    """The learning rate of the trial that was under way."""
    import optuna

    study = optuna.load_study(study_name="tiny", storage=f"sqlite:///{start.storage}")
    (running,) = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.RUNNING]
    return float(f"{running.params['optimizer.lr']:.4g}")


def test_a_trial_that_fails_is_told_and_counted_and_its_values_are_not_tried_again(start) -> None:
    tried = []

    def folds(experiment):
        tried.append(experiment.optimizer.keywords["lr"])
        if len(tried) in (1, 3):
            raise DataError(f"the loss of {tried[-1]} is not finite.")
        return start.make_folds(experiment)

    study, told = start(3, folds)
    assert [attempt.failure for attempt in told] == [
        f"the loss of {tried[0]} is not finite.", "", f"the loss of {tried[2]} is not finite."
    ]
    assert failures(study) == [told[0].failure, told[2].failure] and not told[0].finished
    assert best(study) == told[1]
    _, told = start(4, folds)
    assert len(told) == 1 and tried[3] not in (tried[0], tried[2]), "three of four were there already"


def test_values_that_the_declaration_refuses_fail_their_trial_alone(start) -> None:
    space = {"freeze_epochs": Choice((0, 9)), "optimizer.lr": LogUniform(1e-4, 1e-1)}
    _, told = start(6, space=space)
    assert len(told) == 6
    for attempt in told:
        assert bool(attempt.failure) == (attempt.values["freeze_epochs"] == 9), "epochs is 3"
    assert {attempt.values["freeze_epochs"] for attempt in told} == {0, 9}


@pytest.mark.parametrize("raised", [OSError(28, "No space left on device"), KeyboardInterrupt(), Terminated()])
def test_what_no_values_are_to_blame_for_ends_the_search(start, raised: BaseException) -> None:
    def folds(experiment):
        raise raised

    with pytest.raises(type(raised)):
        start(2, folds)
    assert open_study_values(start), "it is under way, to be tried again"

def test_options_are_taken_as_they_are(start) -> None:
    space = {"optimizer.lr": Choice((0.00123456, 0.00654321))}
    study, told = start(3, space=space)
    assert {attempt.values["optimizer.lr"] for attempt in told} <= {0.00123456, 0.00654321}
    top = best(study)
    assert top is not None and top.values["optimizer.lr"] in (0.00123456, 0.00654321)


def test_nothing_finished_has_no_best(tmp_path: Path) -> None:
    assert best(open_study(tmp_path / "s.db", "empty", seed=0)) is None


def test_without_optuna_the_command_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(DataError, match="requirements-optuna.txt"):
        open_study(tmp_path / "s.db", "x", seed=0)


def test_the_folds_of_a_trial_are_an_ordinary_run(declare, competition: Path, tmp_path: Path) -> None:
    from rich.console import Console

    from runners.compute import Compute
    from runners.search.trial_runs import TrialRuns

    source, experiment = tmp_path / "tiny.py", declare(epochs=1, criterion="ce")
    source.write_text('"""A?"""')
    compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
    console = Console(quiet=True)
    maker = TrialRuns(experiment, source, competition, tmp_path / "tune", compute, tmp_path / "cache", console)
    study = open_study(tmp_path / "tune" / "study.db", "tiny", seed=0)
    space, told = {"optimizer.lr": LogUniform(1e-4, 1e-2)}, []
    search(study, experiment, space, 2, maker.folds, Silent(), told.append)
    runs = sorted((tmp_path / "tune" / "trials").glob("*-*"))
    assert len(runs) == 2 and all((run / "fold_1" / "predictions.npz").exists() for run in runs)
    assert maker.batches == sum(fold.batches for fold in maker.folds(experiment))
    assert maker.ground(space) != maker.ground({"optimizer.lr": LogUniform(1e-4, 1e-1)})


def test_values_that_contradict_another_are_refused_before_a_trial_trains(declare, competition: Path, tmp_path) -> None:
    from rich.console import Console

    from runners.compute import Compute
    from runners.search.trial_runs import TrialRuns

    (tmp_path / "tiny.py").write_text('"""A?"""')
    compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
    parts = (tmp_path / "tiny.py", competition, tmp_path / "tune", compute, tmp_path / "cache", Console(quiet=True))
    maker = TrialRuns(declare(), *parts)
    with pytest.raises(DataError, match="fp16"):
        maker.folds(declare(precision="fp16"))
    assert not (tmp_path / "tune").exists()
    with pytest.raises(DataError, match="fp16"):
        TrialRuns(declare(precision="fp16"), *parts)


def test_an_image_that_does_not_decode_is_told_before_the_first_trial(declare, competition: Path, tmp_path) -> None:
    from rich.console import Console

    from runners.compute import Compute
    from runners.search.trial_runs import TrialRuns

    data = tmp_path / "data"
    shutil.copytree(competition, data)
    next(iter(sorted(data.glob("train/images/*/mask1.*")))).write_bytes(b"no image")
    (tmp_path / "tiny.py").write_text('"""A?"""')
    compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
    parts = (tmp_path / "tiny.py", data, tmp_path / "tune", compute, tmp_path / "cache", Console(quiet=True))
    with pytest.raises(DataError, match="mask1"):
        TrialRuns(declare(), *parts).batches  # noqa: B018
