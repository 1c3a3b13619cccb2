import os
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from callbacks.trackers.rows import named
from data.cache_build import CacheSettings
from data.errors import DataError
from runners.compute import Compute
from runners.main import run_experiment
from runners.run_folder import RunFolder
from runners.state import read_json
from runners.tracking import Tracker, check_installed, flat
from runners.workspace import Workspace

ALL = (Tracker.tensorboard, Tracker.mlflow, Tracker.wandb)
RESULTS = ("oof.npz", "test.npz", "scores.json", "submission.csv", "folds.csv")
OF_A_FOLD = ("best.pth", "metrics.csv", "predictions.npz")
PRIVATE = "not-for-any-log-7391"


class Killed(BaseException):
    """Ends a run at once: nobody catches it."""


@pytest.fixture(scope="module")
def start(competition: Path) -> Callable[..., RunFolder]:
    def run(folder: Path, experiment, track: tuple[Tracker, ...]) -> RunFolder:
        folder.mkdir(exist_ok=True)
        source = folder / "tiny.py"
        source.write_text('"""Does it run?"""\n')
        cache, console = CacheSettings(folder / "cache", 0, 1), Console(width=80, file=open(os.devnull, "w"))
        compute = Compute(device="cpu", threads=1, workers=0, jobs=1)
        workspace = Workspace(competition, folder / "runs", compute, cache, False, console, track)
        return run_experiment(experiment, source, workspace)

    return run


def test_a_killed_run_is_followed_without_a_point_twice_and_no_bit_changes(
    start, declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", PRIVATE)
    monkeypatch.setenv("WANDB_API_KEY", PRIVATE * 3)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    experiment = declare(epochs=2, criterion="ce")
    plain = start(tmp_path / "plain", experiment, ())
    with monkeypatch.context() as patch:
        _kill_in_epoch_2(patch, "metrics.csv")  # it is committed, and no tracker was told
        with pytest.raises(Killed):
            start(tmp_path / "shown", experiment, ALL)
    shown = start(tmp_path / "shown", experiment, ALL)

    assert shown.root.name.rpartition("-")[2] == plain.root.name.rpartition("-")[2], "tracking is no part of a run"
    names = [*RESULTS, *(f"fold_{fold}/{name}" for fold in (0, 1) for name in OF_A_FOLD)]
    assert not [name for name in names if (plain.root / name).read_bytes() != (shown.root / name).read_bytes()]
    assert set(read_json(shown.manifest)) == set(read_json(plain.manifest))

    folder, scores = tmp_path / "shown" / "runs" / ".tracking", read_json(shown.scores)
    _check_tensorboard(folder / "tensorboard" / "tiny" / shown.root.name, scores)
    _check_mlflow(folder / "mlflow", shown.root.name, scores)
    _check_wandb(folder / "wandb" / "wandb", scores)
    told = [path for path in folder.rglob("*") if path.is_file() and PRIVATE.encode() in path.read_bytes()]
    assert not told, "values of the environment are nobody's business"


def _kill_in_epoch_2(patch: pytest.MonkeyPatch, name: str) -> None:
    """End the run at the second write of a file of that name."""
    written, replace = [], os.replace

    def count(source: object, target: object) -> None:
        if Path(str(target)).name == name:
            written.append(name)
            if len(written) == 2:
                raise Killed
        replace(source, target)

    patch.setattr(os, "replace", count)


def _check_tensorboard(folder: Path, scores: dict) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for fold in (0, 1):
        read = {
            part: EventAccumulator(str(folder / f"fold_{fold}" / part)).Reload() for part in ("", "train", "valid")
        }
        for part, name in (("train", "loss"), ("valid", "f1"), ("valid", "f1_mask")):
            assert [point.step for point in read[part].Scalars(name)] == [1, 2], (part, name)
        (score,) = read[""].Scalars("out_of_fold/f1")
        assert score.value == pytest.approx(scores["folds"][fold]["f1"], abs=1e-6)
        (picture,) = read[""].Images("confusion")
        assert picture.width > 300 and picture.encoded_image_string.startswith(b"\x89PNG")
        declared = read[""].summary_metadata["_hparams_/session_start_info"].plugin_data.content
        assert b"AdamW" in declared and b"optimizer.lr" in declared
    whole = EventAccumulator(str(folder / "run")).Reload()
    assert whole.Scalars("out_of_fold/f1")[0].value == pytest.approx(scores["oof"]["f1"], abs=1e-6)


def _check_mlflow(folder: Path, run: str, scores: dict) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])
    (parent,) = (one for one in runs if "mlflow.parentRunId" not in one.data.tags)
    children = {one.info.run_name: one for one in runs if one is not parent}
    assert parent.info.run_name == run and sorted(children) == ["fold_0", "fold_1"]
    assert {one.info.status for one in runs} == {"FINISHED"}
    assert parent.data.metrics["out_of_fold/f1"] == scores["oof"]["f1"]
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} >= {
        "confusion.png", "experiment.py", "scores.json", "submission.csv",
    }  # fmt: skip
    for fold, child in ((row["fold"], children[f"fold_{row['fold']}"]) for row in scores["folds"]):
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.params["optimizer"] == "AdamW" and child.data.params["epochs"] == "2"
        for name in ("train/loss", "valid/f1", "out_of_fold/f1"):
            steps = [point.step for point in client.get_metric_history(child.info.run_id, name)]
            assert steps == ([2] if name.startswith("out") else [1, 2]), name
        assert child.data.metrics["out_of_fold/f1"] == scores["folds"][fold]["f1"]
        assert {file.path for file in client.list_artifacts(child.info.run_id)} == {"confusion.png", "metrics.csv"}


def _check_wandb(folder: Path, scores: dict) -> None:
    from wandb.proto.wandb_internal_pb2 import Record

    files = {path.stem.rpartition("-")[2]: path for path in folder.glob("offline-run-*/run-*.wandb")}
    assert sorted(files) == ["fold_0", "fold_1", "run"]
    for fold in (0, 1):
        records = [Record.FromString(bytes_) for bytes_ in _wandb_records(files[f"fold_{fold}"])]
        rows = [record.history for record in records if record.WhichOneof("record_type") == "history"]
        items = [{item.key or "/".join(item.nested_key): item.value_json for item in row.item} for row in rows]
        assert [item["_step"] for item in items if "train/loss" in item] == ["1", "2"]
        assert any(key.startswith("confusion") for item in items for key in item)
        summary = {
            item.key or "/".join(item.nested_key): item.value_json
            for record in records if record.WhichOneof("record_type") == "summary" for item in record.summary.update
        }  # fmt: skip
        assert float(summary["out_of_fold/f1"]) == pytest.approx(scores["folds"][fold]["f1"])
        (begun, *_) = (record.run for record in records if record.WhichOneof("record_type") == "run")
        assert begun.project == "tiny" and begun.host == "not recorded"


def _wandb_records(path: Path) -> Iterator[bytes]:
    """W&B's file: after 7 bytes of its own LevelDB's log format, blocks of 32 KiB of records in one part or several."""
    body, at, parts = path.read_bytes(), 7, b""
    assert body.startswith(b":W&B")
    while at + 7 <= len(body):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack_from("<HB", body, at + 4)
        parts += body[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield parts
            parts = b""


def test_a_tracker_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed(ALL)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "mlflow" else name)
    with pytest.raises(DataError, match="--track mlflow needs .* pip install -r requirements-mlflow.txt"):
        check_installed(ALL)


def test_a_declaration_is_flat_text(declare) -> None:
    from runners.views import hflip

    record = declare(criteria={"ce": partial(_loss, gamma=2.0)}, criterion="ce", tta=(hflip,)).record()
    found = flat(record)
    assert found["criteria.ce"] == "_loss" and found["criteria.ce.gamma"] == "2.0" and found["tta.0"] == "hflip"
    assert found["name"] == "tiny" and found["monitor"] == "['f1', 'max']" and found["sampler"] == "None"
    assert all(isinstance(value, str) for value in found.values())


def _loss(gamma: float) -> None:
    """A criterion for a record."""


def test_columns_of_a_log_are_told_apart_by_loader() -> None:
    row = {"epoch": 3, "lr": 0.1, "train_loss": 1.0, "valid_f1_mask": 0.5}
    assert list(named(row)) == [("", "lr", 0.1), ("train", "loss", 1.0), ("valid", "f1_mask", 0.5)]
