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
