import numpy as np
import pytest

from benchmarks.machine import machine
from benchmarks.splits import CASES, METHODS, competition, main


@pytest.mark.filterwarnings("ignore:The least populated class")  # scikit-learn's, on so few persons
def test_prints_one_row_for_each_method_on_each_kind_of_data(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--persons", "40", "60", "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    header, rows, notes = lines[0], lines[1:-3], lines[-3:]
    assert max(map(len, lines)) <= 100
    assert header.split() == "data persons method ms / ours goal off, pp 1 image spread".split()
    assert [row.split()[:3] for row in rows] == [
        [case.__name__, persons, method] for persons in ("40", "60") for case, _ in CASES for method in METHODS
    ]
    for row in rows:
        goal = [word for word in row.split() if word.startswith(">=")]
        assert goal == ([] if "StratifiedGroupKFold" not in row else [">=100" if "competition" in row else ">=10"])
        assert all(float(number) >= 0 for number in row.split()[3:] if number not in goal)
        assert float(row.split()[4]) == 1.0 or " ours " not in row
    assert notes[0].startswith("off:") and notes[1].startswith("spread:") and notes[2] == machine()


def test_competition_data_have_its_class_counts() -> None:
    counts = competition(2700, np.random.default_rng(3))["target"].value_counts().sort_index().tolist()
    assert counts == [2745, 2050, 415, 3660, 4085, 545, 549, 410, 83, 732, 817, 109, 549, 410, 83, 732, 817, 109]
