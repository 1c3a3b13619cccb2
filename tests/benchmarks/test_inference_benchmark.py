import pytest

from benchmarks.inference import GOALS, main
from benchmarks.machine import machine


def test_prints_one_row_for_each_method(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    main(["--models", "test_resnet", "--size", "32", "--images", "3", "--batch", "2", "--rounds", "1"])
    header, *rows, note, off, exports, told = capsys.readouterr().out.splitlines()
    assert max(map(len, (header, *rows, note, off, exports, told))) <= 100
    assert header.split() == "model method images/s wall ms CPU ms x wall x CPU goal off".split()
    goals = {"loop": ""} | {method: f">={rate:g}" for method, rate in GOALS.items()}
    assert [row.split()[:2] for row in rows] == [["test_resnet", method] for method in goals]
    for row, goal in zip(rows, goals.values(), strict=True):
        numbers = [float(word) for word in row.split()[2:] if word != goal]
        assert len(numbers) == 6 and all(number >= 0 for number in numbers)
        assert (goal in row.split()) == bool(goal)
        assert numbers[-1] < 1e-5, "all methods predict the same"
    assert "x: loop / method" in note and off.startswith("off:") and "test_resnet" in exports and told == machine()
