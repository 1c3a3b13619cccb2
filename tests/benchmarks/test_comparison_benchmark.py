"""The runs whose comparison is timed can be compared; how fast is not tested."""

from pathlib import Path

import pytest

from analysis.comparison.chosen_runs import choose
from analysis.comparison.comparison import compare
from benchmarks import comparison
from benchmarks.comparison import SMALL, declared_runs, main


def test_declared_runs_are_read_as_one_family(tmp_path: Path) -> None:
    found = compare(choose(declared_runs(tmp_path, *SMALL), ()))
    (group,) = found.groups
    assert not found.remarks and group.against is not None and group.against.experiment == "run_0"
    assert sorted(row.run.record["optimizer"]["with"]["lr"] for row in group.rows) == [0.001, 0.0015, 0.003]
    assert all(row.run.seconds == 7.5 and row.run.question for row in group.rows)


def test_prints_a_row_a_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "seconds", lambda runs, *words: 0.5)
    main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[1] for line in lines[1:]] == [
        "compare",
        "compare --format json",
        "ledger",
        "compare --help",
    ]
