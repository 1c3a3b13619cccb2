import json
from pathlib import Path

from runners.run_folder import FAST, RunFolder, latest_finished, list_runs, open_run
from runners.state import file_digest


def finish(run: RunFolder) -> RunFolder:
    (run.root / "scores.json").write_text("{}")
    run.write_manifest()
    return run


def test_the_same_identity_is_the_same_folder_another_is_another(tmp_path: Path) -> None:
    run = open_run(tmp_path, "focal", "aaaaaaaaaa")
    assert open_run(tmp_path, "focal", "aaaaaaaaaa") == run
    assert open_run(tmp_path, "focal", "bbbbbbbbbb") != run
    assert run.root.parent == tmp_path / "focal" and run.root.name.endswith("-aaaaaaaaaa")


def test_the_manifest_seals_every_file_and_finishes_the_run(tmp_path: Path) -> None:
    run = open_run(tmp_path, "focal", "aaaaaaaaaa")
    run.fold(0).root.mkdir()
    run.fold(0).metrics.write_text("epoch\n1\n")
    (run.root / ".scores.json.x.tmp").write_text("left by a kill")
    assert not run.finished
    finish(run)
    manifest = json.loads(run.manifest.read_text())
    assert manifest == {name: file_digest(run.root / name) for name in ("fold_0/metrics.csv", "scores.json")}
    assert run.finished


def test_only_finished_runs_are_results_and_trials_are_no_runs(tmp_path: Path) -> None:
    first = finish(open_run(tmp_path, "focal", "aaaaaaaaaa"))
    first.root.rename(tmp_path / "focal" / "20200101-000000-aaaaaaaaaa")
    open_run(tmp_path, "focal", "bbbbbbbbbb")
    finish(open_run(tmp_path / FAST, "focal", "cccccccccc"))
    assert len(list_runs(tmp_path)) == 2
    found = latest_finished(tmp_path, "focal")
    assert found is not None and found.root.name == "20200101-000000-aaaaaaaaaa"
    assert latest_finished(tmp_path, "other") is None
