import csv
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.comparison.overrules import VERDICTS, Overrule, overrule, read_overrules, uphold
from data.errors import DataError

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
FIRST, SECOND = "focal/20261123-150000-aaaaaaaaaa", "base/20261123-150000-bbbbbbbbbb"


def test_what_is_entered_is_read_again_in_plain_csv(tmp_path: Path) -> None:
    assert read_overrules(tmp_path) == []
    assert overrule(tmp_path, FIRST, "better", "the rare classes, and that is what\nit is for", NOW) is None
    overrule(tmp_path, SECOND, "not told apart", "=1+1", NOW)
    assert read_overrules(tmp_path) == [
        Overrule(FIRST, "better", "the rare classes, and that is what it is for", "2026-11-23"),
        Overrule(SECOND, "not told apart", "'=1+1", "2026-11-23"),
    ]
    with (tmp_path / VERDICTS).open(newline="") as file:
        assert next(csv.reader(file)) == ["run", "verdict", "because", "entered"]


def test_a_second_verdict_takes_the_place_of_the_first(tmp_path: Path) -> None:
    overrule(tmp_path, FIRST, "better", "hope", NOW)
    before = overrule(tmp_path, FIRST, "worse", "experience", NOW)
    assert before is not None and before.because == "hope"
    assert [(row.run, row.verdict) for row in read_overrules(tmp_path)] == [(FIRST, "worse")]


def test_upholding_the_computed_verdict_takes_the_row_out(tmp_path: Path) -> None:
    overrule(tmp_path, FIRST, "better", "hope", NOW)
    overrule(tmp_path, SECOND, "worse", "fear", NOW)
    assert uphold(tmp_path, FIRST).because == "hope"
    assert [row.run for row in read_overrules(tmp_path)] == [SECOND]
    uphold(tmp_path, SECOND)
    assert read_overrules(tmp_path) == [] and not (tmp_path / VERDICTS).exists()
    with pytest.raises(DataError, match="is not overruled"):
        uphold(tmp_path, SECOND)


@pytest.mark.parametrize(
    ("run", "verdict", "because", "words"),
    [
        (FIRST, "best", "x", "verdict is 'best'; expected one of better, worse, not told apart"),
        (FIRST, "better", " \n ", "no reason found"),
        ("focal", "better", "x", "run is 'focal'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    tmp_path: Path, run: str, verdict: str, because: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        overrule(tmp_path, run, verdict, because, NOW)
    assert not (tmp_path / VERDICTS).exists()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f"{FIRST},best,x,2026-11-23", "row 2: verdict is 'best'"),
        (f"{FIRST},better,,2026-11-23", "row 2: no reason"),
        (f"{FIRST},better,x,yesterday", "row 2: entered is 'yesterday'"),
        (f"{FIRST},better,x", "row 2: 3 cells"),
        (f"{FIRST},better,x,2026-11-23\n{FIRST},worse,y,2026-11-23", "row 3: focal/.* has a row above"),
    ],
)
def test_a_file_damaged_by_hand_is_refused_with_its_row_and_left_alone(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / VERDICTS
    path.write_text(f"run,verdict,because,entered\n{row}\n")
    before = path.read_bytes()
    for call in (lambda: read_overrules(tmp_path), lambda: overrule(tmp_path, SECOND, "worse", "x", NOW)):
        with pytest.raises(DataError, match=words):
            call()
    assert path.read_bytes() == before


def test_a_row_written_by_hand_with_blanks_is_read(tmp_path: Path) -> None:
    (tmp_path / VERDICTS).write_text(f"run,verdict,because,entered\n {FIRST} , worse , seen it fail , 2026-11-23 \n")
    assert read_overrules(tmp_path) == [Overrule(FIRST, "worse", "seen it fail", "2026-11-23")]


def test_no_verdict_is_lost_where_processes_write_at_once(tmp_path: Path) -> None:
    names = [f"run_{number}/20261123-150000-aaaaaaaaaa" for number in range(12)]
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=overrule, args=(tmp_path, name, "better", "x", NOW)) for name in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {row.run for row in read_overrules(tmp_path)} == set(names)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be locked"):
        overrule(tmp_path / "nowhere", FIRST, "better", "x", NOW)
