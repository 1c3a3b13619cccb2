"""What the speed benchmark measures is there and exact; how fast is not tested."""

import numpy as np
import pytest

from benchmarks.split_score import SMALL, SMALL_SCALE, compare, competition, main, stream


def test_both_measurements_are_exact_and_complete() -> None:
    compared, streamed = compare(SMALL), stream(SMALL_SCALE)
    assert compared["difference"] <= 1e-12 and streamed["difference"] <= 1e-12
    assert all(value > 0 for name, value in (compared | streamed).items() if name != "difference")


def test_the_task_has_the_size_it_says() -> None:
    targets, persons, oof, membership = competition(SMALL)
    assert targets.shape == persons.shape == (420,) and oof.shape == (3, 420) and membership.shape == (50, 60)
    assert np.bincount(persons).tolist() == [7] * 60 and 0.6 < (oof == targets).mean() < 0.85


def test_prints_both_ways_in_a_hundred_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.split_score.in_own_process", lambda task, size, own_kernels: {
        "compare": compare, "stream": stream}[task](size))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines] == [
        "50", "ours", "f1_score", "ratio", "exact", "memory", "50", "ours", "f1_score", "ratio", "exact", "memory",
        "20", "ours", "memory", "exact",
    ]
