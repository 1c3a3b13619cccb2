"""The layout of a run on disk: the only file that knows its names.

runs/<name>/<date-time>-<identity>/
  experiment.py experiment.json environment.json identity.json folds.csv corrections.csv sources.json extra.csv
  fold_<k>/  state.pth previous.pth stopped.pth best.pth metrics.csv timing.csv predictions.npz
  oof.npz test.npz scores.json submission.csv MANIFEST.json
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from glob import escape
from pathlib import Path

from data.errors import DataError
from runners.file_lock import locked
from runners.state import file_digest, read_json, remove_rubbish, write_json

_LOCK_SECONDS = 0.5  # another start of the same run is refused after this time
FAST = ".fast"  # runs/.fast/<name>/...: trials of one batch, never compared with runs


@dataclass(frozen=True)
class FoldFolder:
    """Files of one fold."""

    root: Path

    @property
    def name(self) -> str:
        """The run's identity and the fold, as "304a34000a/fold_0"."""
        return f"{self.root.parent.name.rpartition('-')[2]}/{self.root.name}"

    @property
    def state(self) -> Path:
        """Everything needed to continue after the last finished epoch, the best weights included."""
        return self.root / "state.pth"

    @property
    def previous(self) -> Path:
        """The state of the epoch before."""
        return self.root / "previous.pth"

    @property
    def stopped(self) -> Path:
        """Where a stop left the fold in the middle of an epoch; gone once that epoch is committed."""
        return self.root / "stopped.pth"

    @property
    def best(self) -> Path:
        """Weights of the best epoch, with the declaration beside them."""
        return self.root / "best.pth"

    @property
    def metrics(self) -> Path:
        """One row an epoch."""
        return self.root / "metrics.csv"

    @property
    def timing(self) -> Path:
        """Seconds and images of each epoch."""
        return self.root / "timing.csv"

    @property
    def predictions(self) -> Path:
        """Probabilities of the fold's validation images and of the test images; written last."""
        return self.root / "predictions.npz"


@dataclass(frozen=True)
class RunFolder:
    """Files of one run."""

    root: Path

    @property
    def source(self) -> Path:
        """The experiment's module as it was run."""
        return self.root / "experiment.py"

    @property
    def record(self) -> Path:
        """The resolved declaration."""
        return self.root / "experiment.json"

    @property
    def environment(self) -> Path:
        """Versions, device, threads, commit."""
        return self.root / "environment.json"

    @property
    def identity(self) -> Path:
        """Hashes of what makes a run this run."""
        return self.root / "identity.json"

    @property
    def folds(self) -> Path:
        """The split: image_id, path, person, target, fold."""
        return self.root / "folds.csv"

    @property
    def corrections(self) -> Path:
        """The label corrections that were applied, where the experiment declares some."""
        return self.root / "corrections.csv"

    @property
    def sources(self) -> Path:
        """What was taken from elsewhere, where something was: external images, other runs' labels or epochs."""
        return self.root / "sources.json"

    @property
    def extra(self) -> Path:
        """The rows from elsewhere, with the fold that trained on them: fold, image_id, path, person, target."""
        return self.root / "extra.csv"

    @property
    def oof(self) -> Path:
        """Out-of-fold probabilities; a final fit, which validates nothing, has none."""
        return self.root / "oof.npz"

    @property
    def test(self) -> Path:
        """Test probabilities, averaged over folds."""
        return self.root / "test.npz"

    @property
    def scores(self) -> Path:
        """Scores of folds and of the out-of-fold table."""
        return self.root / "scores.json"

    @property
    def submission(self) -> Path:
        """What is handed in."""
        return self.root / "submission.csv"

    @property
    def manifest(self) -> Path:
        """The sha256 of every other file; written last: a run is finished when it is there."""
        return self.root / "MANIFEST.json"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.manifest.exists()

    @property
    def begun(self) -> bool:
        """Whether something of it is trained: an epoch that is committed, or a part of one that a stop saved."""
        folds = [FoldFolder(root) for root in self.root.glob("fold_*")]
        return any(path.exists() for fold in folds for path in (fold.state, fold.previous, fold.stopped))

    def fold(self, number: int) -> FoldFolder:
        """Files of fold `number`."""
        return FoldFolder(self.root / f"fold_{number}")

    def check_manifest(self) -> None:
        """DataError where a file of a finished run is missing or is no longer what it was when the run ended."""
        for name, digest in read_json(self.manifest).items():
            path = self.root / name
            if not path.is_file() or file_digest(path) != digest:
                raise DataError(
                    f"{path} is {'no longer what it was' if path.exists() else 'missing'}, says {self.manifest.name}: "
                    f"put it back, or delete {self.manifest.name} and the same command makes again what is damaged."
                )

    def write_manifest(self) -> None:
        """Seal the run."""
        files = sorted(path for path in self.root.rglob("*") if path.is_file() and not path.name.startswith("."))
        digests = {path.relative_to(self.root).as_posix(): file_digest(path) for path in files if path != self.manifest}
        write_json(self.manifest, digests)


@contextmanager
def open_run(runs: Path, name: str, identity: str) -> Iterator[RunFolder]:
    """The run of this identity, the one there is or a new folder, for this process alone.

    DataError names the process that has it open already.
    """
    (runs / name).mkdir(parents=True, exist_ok=True)
    with locked(runs / name / identity, patience=_LOCK_SECONDS):
        found = [run for run in list_runs(runs, name) if run.root.name.endswith(f"-{identity}")]
        run = found[-1] if found else RunFolder(runs / name / f"{datetime.now():%Y%m%d-%H%M%S}-{identity}")
        run.root.mkdir(exist_ok=True)
        remove_rubbish(run.root)  # a fold's folder has a lock of its own, which the process of a killed start may hold
        yield run


def list_runs(runs: Path, name: str | None = None) -> list[RunFolder]:
    """Runs of one experiment, or of all, oldest first; trials with --fast are not among them."""
    roots = [path for path in runs.glob(f"{escape(name) if name else '*'}/*-*") if path.is_dir()]
    return [RunFolder(root) for root in sorted(roots, key=lambda root: root.name)]


def latest_finished(runs: Path, name: str) -> RunFolder | None:
    """The newest finished run of an experiment."""
    return next((run for run in reversed(list_runs(runs, name)) if run.finished), None)
