"""Whether two runs came to the same bits, and whether all that a run left can be read."""

import csv
import json
from pathlib import Path

import torch

from runners.run_folder import RunFolder
from runners.state import read_arrays, read_checkpoint

RESULTS = ("oof.npz", "test.npz", "scores.json", "submission.csv", "folds.csv", "experiment.json")
OF_A_FOLD = ("best.pth", "metrics.csv", "predictions.npz")


def only_run(runs: Path) -> RunFolder:
    """The one run in a folder of runs."""
    (root,) = runs.glob("*/*-*")
    return RunFolder(root)


def assert_same_results(first: RunFolder, second: RunFolder) -> None:
    """Results have the same bytes, states the same values (torch.save tells shared objects from equal ones)."""
    folds = sorted(path.name for path in first.root.glob("fold_*"))
    assert folds == sorted(path.name for path in second.root.glob("fold_*")) and second.finished
    names = [*RESULTS, *(f"{fold}/{name}" for fold in folds for name in OF_A_FOLD)]
    differ = [name for name in names if (first.root / name).read_bytes() != (second.root / name).read_bytes()]
    assert not differ, f"{second.root}: {differ} differ from {first.root}"
    for fold in folds:
        states = [read_checkpoint(run.root / fold / "state.pth") for run in (first, second)]
        assert_same_values(*states)
    second.check_manifest()
    assert not list(second.root.rglob(".*.tmp")), "what was being written is swept"


def assert_same_values(first: object, second: object) -> None:
    """Equal types and values, tensors bit by bit."""
    assert type(first) is type(second)
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)  # type: ignore[arg-type]
    elif isinstance(first, dict):
        assert isinstance(second, dict) and list(first) == list(second)
        assert_same_values(list(first.values()), list(second.values()))
    elif isinstance(first, list):
        assert isinstance(second, list) and len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same_values(one, other)
    else:
        assert first == second


def read_everything(root: Path) -> int:
    """Read every file of a run, finished or not; the number of files. Raises where one is damaged."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in files:
        if path.suffix == ".pth":
            read_checkpoint(path)
        elif path.suffix == ".npz":
            read_arrays(path)
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                header, *rows = csv.reader(file, strict=True)
            assert all(len(row) == len(header) for row in rows), f"{path} has a torn row"
            if path.name == "metrics.csv":
                assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1)), f"{path} skips an epoch"
    return len(files)
