import json
from pathlib import Path

import pytest

from data.errors import DataError
from runners.run_folder import FAST, RunFolder, latest_finished, list_runs, open_run
from runners.state import file_digest


def made(runs: Path, name: str, identity: str) -> RunFolder:
    with open_run(runs, name, identity) as run:
        return run


def finish(run: RunFolder) -> RunFolder:
    (run.root / "scores.json").write_text("{}")
    run.write_manifest()
    return run


def test_the_same_identity_is_the_same_folder_another_is_another(tmp_path: Path) -> None:
    run = made(tmp_path, "focal", "aaaaaaaaaa")
    assert made(tmp_path, "focal", "aaaaaaaaaa") == run
    assert made(tmp_path, "focal", "bbbbbbbbbb") != run
    assert run.root.parent == tmp_path / "focal" and run.root.name.endswith("-aaaaaaaaaa")


def test_a_name_is_no_pattern(tmp_path: Path) -> None:
    for name in ("focal[1]", "focal1", "f*"):
        (tmp_path / name / "20200101-000000-aaaaaaaaaa").mkdir(parents=True)
    for name in ("focal[1]", "f*"):
        assert [run.root.parent.name for run in list_runs(tmp_path, name)] == [name]
    assert len(list_runs(tmp_path)) == 3


def test_what_a_killed_process_was_writing_is_swept_away(tmp_path: Path) -> None:
    run = made(tmp_path, "focal", "aaaaaaaaaa")
    run.fold(0).root.mkdir()
    rubbish = run.root / ".scores.json.x1.tmp"
    kept = [run.root / "scores.json", run.root / "notes.tmp"]
    folds = run.fold(0).root / ".state.pth.x2.tmp"  # its process may be writing still, and has a lock
    for path in [rubbish, *kept, folds]:
        path.write_text("half")
    made(tmp_path, "focal", "aaaaaaaaaa")
    assert not rubbish.exists() and all(path.exists() for path in [*kept, folds])


def test_the_manifest_seals_every_file_and_finishes_the_run(tmp_path: Path) -> None:
    run = made(tmp_path, "focal", "aaaaaaaaaa")
    run.fold(0).root.mkdir()
    run.fold(0).metrics.write_text("epoch\n1\n")
    (run.root / ".scores.json.x.tmp").write_text("left by a kill")
    assert not run.finished
    finish(run)
    manifest = json.loads(run.manifest.read_text())
    assert manifest == {name: file_digest(run.root / name) for name in ("fold_0/metrics.csv", "scores.json")}
    assert run.finished
    run.check_manifest()


@pytest.mark.parametrize("name", ["scores.json", "fold_0/metrics.csv"])
@pytest.mark.parametrize(("damage", "found"), [("changed", "no longer what it was"), ("deleted", "missing")])
def test_a_finished_run_that_was_changed_is_found_out(tmp_path: Path, name: str, damage: str, found: str) -> None:
    run = made(tmp_path, "focal", "aaaaaaaaaa")
    run.fold(0).root.mkdir()
    run.fold(0).metrics.write_text("epoch\n1\n")
    finish(run)
    if damage == "changed":
        (run.root / name).write_text("x")
    else:
        (run.root / name).unlink()
    with pytest.raises(DataError, match=f"{name} is {found}, says MANIFEST.json: put it back, or delete MANIFEST.json"):
        run.check_manifest()


def test_only_finished_runs_are_results_and_trials_are_no_runs(tmp_path: Path) -> None:
    first = finish(made(tmp_path, "focal", "aaaaaaaaaa"))
    first.root.rename(tmp_path / "focal" / "20200101-000000-aaaaaaaaaa")
    made(tmp_path, "focal", "bbbbbbbbbb")
    finish(made(tmp_path / FAST, "focal", "cccccccccc"))
    assert len(list_runs(tmp_path)) == 2
    found = latest_finished(tmp_path, "focal")
    assert found is not None and found.root.name == "20200101-000000-aaaaaaaaaa"
    assert latest_finished(tmp_path, "other") is None
