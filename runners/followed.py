"""A fold, or a run as a whole, shown by trackers: opened before it is made, ended with it, whatever ends it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from callbacks.metrics import confusion_matrix, macro_f1
from callbacks.monitor import Log
from callbacks.trackers.confusion_picture import draw_confusion
from runners.file_lock import locked
from runners.run_folder import FoldFolder, RunFolder
from runners.scores import score
from runners.state import read_arrays, read_json
from runners.tracking import Tracker, Tracking


class Follower(Protocol):
    """One of Catalyst's loggers, that also is told how it ended."""

    def log_metrics(self, metrics: Mapping[str, float], scope: str, runner: Any) -> None:
        """Numbers."""

    def log_hparams(self, hparams: Mapping[str, str], runner: Any = None) -> None:
        """What was declared."""

    def log_image(self, tag: str, image: NDArray[np.uint8], runner: Any, scope: str | None = None) -> None:
        """A picture (H, W, 3)."""

    def log_artifact(self, tag: str, runner: Any, artifact: Any = None, path_to_artifact: Any = None) -> None:
        """A file."""

    def finish(self, done: bool) -> None:
        """Nothing comes any more; `done` says whether it came to its end."""


Followers = dict[str, Follower]
_PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class LogOnly:
    """What is shown of a fold that Catalyst does not run."""

    history: Log
    epoch_step: int


@contextmanager
def followed(tracking: Tracking | None, fold: int | None) -> Iterator[Followers]:
    """The trackers of a fold, or of the run itself (None), by name; each is ended here."""
    followers: Followers = {}
    done = False
    try:
        for tracker in tracking.trackers if tracking else ():
            followers[tracker.value] = _open(tracker, tracking, fold)  # type: ignore[arg-type]
        yield followers
        done = True
    finally:
        for follower in followers.values():
            follower.finish(done)


def _open(tracker: Tracker, tracking: Tracking, fold: int | None) -> Follower:
    name = "run" if fold is None else f"fold_{fold}"
    folder = tracking.folder / tracker.value
    folder.mkdir(parents=True, exist_ok=True)
    if tracker is Tracker.tensorboard:
        from callbacks.trackers.tensorboard import TensorboardTracker

        return TensorboardTracker(folder / tracking.experiment / tracking.run / name)
    if tracker is Tracker.wandb:
        from callbacks.trackers.wandb_run import open_wandb

        return open_wandb(folder, tracking.experiment, tracking.run, fold)
    from callbacks.trackers.mlflow_run import open_mlflow

    # Folds at a time would each make the database and the run above them; making it takes a while
    with locked(folder / "mlflow.db", patience=_PATIENCE_SECONDS):
        return open_mlflow(folder, tracking.experiment, tracking.run, fold)


def show_fold(
    followers: Followers,
    runner: Any,
    folder: FoldFolder,
    targets: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    class_names: Sequence[str],
) -> None:
    """A trained fold's log, and its predictions (n, C) of validation images with targets (n,), where it has any."""
    for follower in followers.values():
        follower.log_metrics({}, "experiment", runner)  # an epoch that was committed just before a kill
        follower.log_artifact("metrics", runner, path_to_artifact=str(folder.metrics))
    if followers and len(targets):
        scores = score(targets, probabilities, class_names, {})
        picture = _picture(folder.name, targets, probabilities, class_names)
        for follower in followers.values():
            follower.log_metrics(_out_of_fold(scores), "experiment", runner)
            follower.log_image("confusion", picture, runner, "experiment")


def show_run(tracking: Tracking | None, run: RunFolder) -> None:
    """A finished run: what was declared, its readable files and, of what was validated, scores and confusion matrix."""
    if tracking is None:
        return
    scores = read_json(run.scores)
    with followed(tracking, None) as followers:
        for follower in followers.values():
            follower.log_hparams(tracking.parameters)
            for path in (run.source, run.record, run.folds, run.scores, run.submission):
                if path.exists():
                    follower.log_artifact(path.stem, None, path_to_artifact=str(path))
        if "oof" in scores:
            oof = read_arrays(run.oof)
            picture = _picture(tracking.experiment, oof["targets"], oof["probabilities"], scores["classes"])
            found = _out_of_fold(scores["oof"]) | {f"folds/{name}": scores[name] for name in ("f1_mean", "f1_sd")}
            for follower in followers.values():
                follower.log_metrics(found, "experiment", None)
                follower.log_image("confusion", picture, None, "experiment")


def _out_of_fold(scores: Mapping[str, float | None]) -> dict[str, float]:
    """Scores by the name trackers show them under; what is no number is left out."""
    return {f"out_of_fold/{name}": float(value) for name, value in scores.items() if value is not None}


def _picture(
    name: str, targets: NDArray[np.int64], probabilities: NDArray[np.float32], class_names: Sequence[str]
) -> NDArray[np.uint8]:
    confusion = confusion_matrix(targets, probabilities.argmax(1), len(class_names))
    title = f"{name}, {len(targets):,} images out of fold, macro F1 {macro_f1(confusion):.4f}"
    return draw_confusion(confusion, class_names, title)
