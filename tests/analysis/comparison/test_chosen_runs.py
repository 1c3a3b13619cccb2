import shutil
from pathlib import Path

import pytest

from analysis.comparison.chosen_runs import choose, find_finished
from data.errors import DataError
from runners.run_folder import RunFolder


def names(runs: Path, *wanted: str) -> list[str]:
    return [run.experiment for run in choose(runs, wanted).runs]


def only(runs: Path, name: str) -> Path:
    (found,) = (runs / name).iterdir()
    return found


def test_without_names_every_experiments_latest_finished_run_is_meant_oldest_first(runs: Path) -> None:
    shutil.copytree(only(runs, "run_0"), runs / "run_0" / "20261124-080000-ffffffffff")
    begun = runs / "run_1" / "20261125-080000-eeeeeeeeee"
    begun.mkdir()
    (runs / "begun" / "20261125-080000-dddddddddd").mkdir(parents=True)
    chosen = choose(runs, ())
    assert [run.name for run in chosen.runs] == [
        f"run_1/{only_finished(runs, 'run_1')}",
        f"run_2/{only_finished(runs, 'run_2')}",
        "run_0/20261124-080000-ffffffffff",
    ]
    assert chosen.left_out == ("begun: no run is finished; `python -m experiments.begun` continues it.",)


def only_finished(runs: Path, name: str) -> str:
    (found,) = (path.parent.name for path in (runs / name).glob("*/MANIFEST.json"))
    return found


def test_runs_are_named_by_experiment_or_by_folder_once_and_in_order(runs: Path, tmp_path: Path) -> None:
    assert names(runs, "run_2", "run_0", "run_2") == ["run_2", "run_0"]
    assert names(runs, str(only(runs, "run_1")), "run_1") == ["run_1"]
    elsewhere = tmp_path / "elsewhere" / "run_9"
    elsewhere.mkdir(parents=True)
    shutil.copytree(only(runs, "run_1"), elsewhere / "20261123-150000-aaaaaaaaaa")
    assert names(runs, "run_0", str(elsewhere / "20261123-150000-aaaaaaaaaa")) == ["run_0", "run_9"]


def test_what_cannot_be_read_is_a_sentence_and_the_others_are_read(runs: Path) -> None:
    (only(runs, "run_1") / "oof.npz").write_bytes(b"")
    (only(runs, "run_2") / "MANIFEST.json").unlink()
    chosen = choose(runs, ("run_0", "run_1", "run_2", "nosuch", str(only(runs, "run_2"))))
    assert [run.experiment for run in chosen.runs] == ["run_0"]
    *missing, damaged = chosen.left_out
    assert "No run of run_2" in missing[0] and "'nosuch' is neither" in missing[1] and "no finished run" in missing[2]
    assert damaged.startswith("run_1/") and "oof.npz is not the file its run wrote" in damaged
    assert names(runs) == ["run_0"]


def test_no_folder_no_runs(tmp_path: Path) -> None:
    assert choose(tmp_path / "nowhere", ()).runs == ()


def test_a_folder_that_is_no_run_is_refused(runs: Path) -> None:
    with pytest.raises(DataError, match="no finished run"):
        find_finished(runs, str(runs / "run_0"))
    assert find_finished(runs, str(only(runs, "run_0"))) == RunFolder(only(runs, "run_0").resolve())
