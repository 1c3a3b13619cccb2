from pathlib import Path

import pytest

from data.errors import DataError
from runners.timing import Timing


def test_times_of_an_interrupted_start_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "timing.csv"
    Timing(path).save(1, 10.0, 70)
    Timing(path).save(2, 11.0, 70)
    Timing(path).save(2, 9.0, 70)  # epoch 2 again, after a kill before its commit
    assert path.read_text() == "epoch,seconds,images\n1,10.0,70\n2,9.0,70\n"


@pytest.mark.parametrize(
    "text", ["epoch,seconds\n1,2\n", "epoch,seconds,images\none,2,3\n", "epoch,seconds,images\n1\n"]
)
def test_what_is_no_table_of_times_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "timing.csv").write_text(text)
    with pytest.raises(DataError, match="timing.csv is damaged: rows of epoch,seconds,images"):
        Timing(tmp_path / "timing.csv").rows()


def test_a_damaged_table_costs_the_times_not_the_run(tmp_path: Path) -> None:
    timing = Timing(tmp_path / "timing.csv")
    timing.save(1, 1.0, 10)
    timing.path.write_bytes(b"\0" * 30)
    timing.save(2, 2.0, 20)
    assert timing.rows() == [{"epoch": 2, "seconds": 2.0, "images": 20}]
