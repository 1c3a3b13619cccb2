import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.report import embedded
from analysis.report.report import Written, write_report
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.run_folder import latest_finished
from runners.state import read_json

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def text_of(written: Written) -> str:
    return written.path.read_text(encoding="utf-8")


def test_the_page_tells_what_it_is_about(plain_report: Written, reported: Trial) -> None:
    page = text_of(plain_report)
    assert sorted(plain_report.runs) == ["first", "second"] and not plain_report.remarks
    assert (plain_report.images, plain_report.listed, plain_report.pictures) == (84, 84, 0)
    assert plain_report.size == plain_report.path.stat().st_size
    assert "Report on 2 runs" in page and "made 2026-11-23 15:00" in page and "The page holds no picture." in page
    for question in ("Is it any good?", "Does more help?"):
        assert question in page
    assert "epochs 3 → 4" in page  # what second applied, computed
    scores = {}
    for name in ("first", "second"):
        run = latest_finished(reported.runs, name)
        assert run is not None
        scores[name] = read_json(run.scores)["oof"]["f1"]
        assert page.count(f"{scores[name]:.4f}") >= 3  # ledger, picture and table
    best = max(scores, key=lambda name: scores[name])
    assert f"best out-of-fold macro F1 {scores[best]:.4f} ({best})" in page
    assert page.count("0.6000") >= 1 and "Note: note on first" in page


def test_one_run_can_be_reported(reported: Trial, tmp_path: Path) -> None:
    written = write_report(tmp_path / "one.html", reported.runs, ["second"], NOW)
    page = text_of(written)
    assert written.runs == ("second",) and "Report on second" in page
    assert "Is it any good?" not in page and "Against" not in page
    assert len(json.loads(re.findall(r'id="images">(.*?)</script>', page)[0])["runs"]) == 1


def test_an_older_run_of_an_experiment_has_no_row_in_the_ledger(reported: Trial, tmp_path: Path) -> None:
    run = latest_finished(reported.runs, "first")
    assert run is not None
    older = tmp_path / "runs" / "first" / "20261120-150000-aaaaaaaaaa"
    later = tmp_path / "runs" / "first" / run.root.name
    for copy in (older, later):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run.root, copy)
    written = write_report(tmp_path / "two.html", tmp_path / "runs", [str(older), str(later)], NOW)
    assert sorted(written.runs) == ["first 0abcde", "first aaaaaa"]
    assert "first aaaaaa has no row: it is not the latest run of its experiment." in text_of(written)


def test_runs_on_other_data_stand_apart_with_images_of_their_own(reported: Trial, trial: Trial, tmp_path: Path) -> None:
    shutil.copytree(reported.runs / "first", trial.runs / "first")
    written = write_report(tmp_path / "mixed.html", trial.runs, [], NOW)
    page = text_of(written)
    assert written.images == 84 + 280 and len(written.runs) == 4
    assert (
        "best out-of-fold macro F1" in page and "(first)" not in page
    )  # it stands apart: its score compares with none
    assert "other images: none in common" in page and "This run kept no log of its epochs." in page
    told = json.loads(re.findall(r'id="images">(.*?)</script>', page)[0])
    assert [len(table["images"]) for table in told["tables"]] == [280, 84]


def test_a_page_that_would_grow_too_large_says_what_it_leaves_out(
    reported: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded.fitting, "__defaults__", (3000,))
    written = write_report(tmp_path / "cut.html", reported.runs, [], NOW)
    assert 20 < written.listed < 84 == written.images
    assert f"the page lists {written.listed} of 84 images, those of the persons with the most mistakes" in text_of(
        written
    )
    counts = [
        int(count) for count in re.findall(r'data-run="0" data-factor="class"[^>]*data-count="(\d+)"', text_of(written))
    ]
    assert sum(counts) == 84  # the counts are of all images


def test_the_page_can_be_made_again_and_nothing_else_is_written(reported: Trial, tmp_path: Path) -> None:
    runs = reported.runs
    before = {path: path.stat().st_mtime_ns for path in runs.rglob("*")}
    first = write_report(tmp_path / "report.html", runs, [], NOW)
    body = first.path.read_bytes()
    assert write_report(tmp_path / "report.html", runs, [], NOW) == first and first.path.read_bytes() == body
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_what_can_not_be_reported_is_said_in_a_sentence(reported: Trial, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'nothing' is neither an experiment"):
        write_report(tmp_path / "report.html", reported.runs, ["nothing"], NOW)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(DataError, match="can't be written"):
        write_report(tmp_path / "folder.html", reported.runs, [], NOW)
    assert replace(write_report(tmp_path / "a.html", reported.runs, ["first", "nothing"], NOW), path=Path()).remarks


def test_a_folder_whose_name_is_no_text_is_told_with_backslashes(trial: Trial, tmp_path: Path) -> None:
    (trial.runs / "run_0").rename(trial.runs / "caf\udce9")  # a byte that is no UTF-8, as Python holds it
    written = write_report(tmp_path / "report.html", trial.runs, [], NOW)
    assert "caf\\udce9" in text_of(written) and len(written.runs) == 3
