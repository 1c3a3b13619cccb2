import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analysis.comparison.finished_run import FinishedRun
from analysis.comparison.hypotheses import Entry, hypotheses
from analysis.comparison.overrules import overrule
from analysis.comparison.resampled import resample
from analysis.leaderboard.registration import enter_score, find_run
from benchmarks.comparison import declare
from runners.run_folder import RunFolder
from runners.state import read_json, write_json

NOW = datetime(2026, 11, 23, tzinfo=UTC)
Read = Callable[[str], FinishedRun]
Change = Callable[..., FinishedRun]


def entries(runs: Path) -> dict[str, Entry]:
    return {entry.run.experiment: entry for entry in hypotheses(runs)[0]}


def test_a_row_an_experiment_with_what_was_applied_and_the_verdict_on_it(runs: Path, read: Read) -> None:
    told, remarks = hypotheses(runs)
    assert [entry.run.experiment for entry in told] == ["run_0", "run_1", "run_2"] and not remarks
    assert [entry.applied for entry in told] == ["the start, copied from none", "epochs 2 -> 9", "seed 42 -> 7"]
    assert told[0].verdict is None and told[0].unjudged == "no parent"
    first, second = read("run_0"), read("run_1")
    expected = resample(first.ground.targets, first.ground.persons, np.stack([second.labels, first.labels]), 18)
    assert told[1].verdict is not None and told[1].verdict.difference == expected.difference(0, 1)
    assert told[1].f1 == expected.f1(0) and told[1].unjudged == ""


def test_parents_come_before_their_children_whenever_they_ran(runs: Path) -> None:
    folder = find_run(runs, "run_0")
    declare(folder, "?", {}, parent="run_2")
    declare(find_run(runs, "run_2"), "?", {}, parent=None)
    assert list(entries(runs)) == ["run_2", "run_0", "run_1"]


def test_a_circle_of_parents_ends(runs: Path) -> None:
    declare(find_run(runs, "run_0"), "?", {}, parent="run_1")
    assert len(entries(runs)) == 3
    declare(find_run(runs, "run_0"), "?", {}, parent="run_0")
    assert entries(runs)["run_0"].unjudged == "it names itself as its parent"


def test_a_parent_that_never_finished_is_said(runs: Path) -> None:
    find_run(runs, "run_0").manifest.unlink()
    told, remarks = hypotheses(runs)
    assert {entry.unjudged for entry in told} == {"its parent run_0 has no finished run"}
    assert {entry.applied for entry in told} == {"not computed: its parent run_0 has no finished run"}
    assert remarks == ["run_0: no run is finished; `python -m experiments.run_0` continues it."]


def test_a_damaged_parent_is_said_with_the_reason(runs: Path) -> None:
    find_run(runs, "run_0").oof.unlink()
    told, remarks = hypotheses(runs)
    assert all(
        "run_0 has no finished run: " in entry.unjudged and "oof.npz is gone" in entry.unjudged for entry in told
    )
    assert len(remarks) == 1 and "oof.npz is gone" in remarks[0]


def test_on_other_data_or_another_split_there_is_no_verdict_but_the_difference(runs: Path) -> None:
    declare(find_run(runs, "run_1"), "?", {"epochs": 9}, parent="run_0", data="others")
    declare(find_run(runs, "run_2"), "?", {}, parent="run_0", split="another")
    told = entries(runs)
    assert told["run_1"].verdict is None and told["run_1"].unjudged == "other data: its files differ"
    assert told["run_1"].applied == "epochs 2 -> 9"
    assert told["run_2"].unjudged.startswith("another split") and told["run_2"].applied == "nothing that is declared"


def test_a_declared_file_with_other_content_is_what_was_applied(runs: Path) -> None:
    for name, digest in (("run_0", "a"), ("run_1", "b")):
        run = find_run(runs, name)
        declare(run, "?", {}, parent=None if name == "run_0" else "run_0")
        write_json(run.identity, read_json(run.identity) | {"files": digest})
        run.write_manifest()
    assert entries(runs)["run_1"].applied == "the content of a file that is declared"


def test_the_parents_run_on_the_same_ground_is_taken_though_a_later_one_is_elsewhere(runs: Path) -> None:
    first = find_run(runs, "run_0").root
    later = RunFolder(first.with_name("20261124-080000-ffffffffff"))
    shutil.copytree(first, later.root)
    declare(later, "?", {"epochs": 5}, data="others")
    assert entries(runs)["run_1"].applied == "epochs 2 -> 9" and entries(runs)["run_1"].verdict is not None
    declare(later, "?", {"epochs": 5})
    assert entries(runs)["run_1"].applied == "epochs 5 -> 9"


def test_leaderboard_scores_and_overruled_verdicts_belong_to_the_run(runs: Path) -> None:
    enter_score(runs, find_run(runs, "run_1"), 0.6, 0.5, "", NOW)
    name = f"run_1/{find_run(runs, 'run_1').root.name}"
    overrule(runs, name, "worse", "slower", NOW)
    overrule(runs, "gone/20261123-150000-aaaaaaaaaa", "better", "x", NOW)
    told, remarks = hypotheses(runs)
    assert [(entry.public, entry.private) for entry in told] == [(None, None), (0.6, 0.5), (None, None)]
    assert [entry.overrule and entry.overrule.because for entry in told] == [None, "slower", None]
    assert remarks == ["The overruled verdict on gone/20261123-150000-aaaaaaaaaa (better) is on no latest run."]


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_without_declaration_says_so(runs: Path, kept: bool) -> None:
    run = find_run(runs, "run_1")
    if not kept:
        run.record.unlink()
        run.write_manifest()
    assert (entries(runs)["run_1"].applied == "not computed: no declaration kept with the run") == (not kept)
