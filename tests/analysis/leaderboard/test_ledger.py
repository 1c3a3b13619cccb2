"""No row of the ledger is lost, whoever writes at once or is killed, and what is damaged is named."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.leaderboard.ledger import LEDGER, Submission, open_ledger, read_ledger, row_number, safe_text
from data.errors import DataError

PROJECT = Path(__file__).parents[3]
DATE = "2026-11-23T15:00:00+00:00"


def row(number: int = 0, **changes: object) -> Submission:
    plain = Submission(
        run=f"focal/20261123-150000-{number:010x}", sha256=f"{number:064x}", registered=DATE,
        upload=f"uploads/focal-{number:010x}.csv", drift=0.125, drift_earlier=None,
    )
    return dataclasses.replace(plain, **changes)


def test_without_a_file_there_are_no_rows(tmp_path: Path) -> None:
    assert read_ledger(tmp_path) == []


scores = st.none() | st.floats(0, 1)


@given(public=scores, private=scores, note=st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_row_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, public: float | None, private: float | None, note: str
) -> None:
    runs = tmp_path_factory.mktemp("ledger")
    rows = [row(1), row(2, public=public, private=private, scored=DATE, note=safe_text(note))]
    with open_ledger(runs) as held:
        held.extend(rows)
    assert read_ledger(runs) == rows


@pytest.mark.parametrize(("text", "cell"), [
    ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+1", "'+1"), ("- lower lr", "'- lower lr"), ("@here", "'@here"),
    ("  =1", "'=1"), ("two\nlines\tand more", "two lines and more"), ("plain, with commas", "plain, with commas"),
    ("bell\x07 \x1b[31mred", "bell [31mred"), ("", ""),
])
def test_free_text_is_one_line_that_no_spreadsheet_runs(text: str, cell: str) -> None:
    assert safe_text(text) == cell


def test_nothing_is_written_where_the_block_raises(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as rows:
        rows.append(row(1))
    before = (tmp_path / LEDGER).read_bytes()
    with pytest.raises(ZeroDivisionError), open_ledger(tmp_path) as rows:
        rows.append(row(2))
        raise ZeroDivisionError
    assert (tmp_path / LEDGER).read_bytes() == before


def test_a_file_is_found_by_its_hash() -> None:
    assert row_number([row(1), row(2)], row(2).sha256) == 3 and row_number([row(1)], row(2).sha256) is None


@pytest.mark.parametrize(("change", "said"), [
    ({"public": "76.1", "scored": DATE}, "row 3: public is '76.1'; expected a number from 0 to 1, or nothing"),
    ({"private": "nan", "scored": DATE}, "row 3: private is 'nan'; expected a number from 0 to 1"),
    ({"drift": "much"}, "row 3: drift is 'much'; expected a number from 0 to 1"),
    ({"sha256": "abc"}, "row 3: sha256 is 'abc'; expected 64 hexadecimal digits"),
    ({"sha256": f"{1:064x}"}, "row 3: sha256 is that of row 2 too; a file is registered once"),
    ({"run": "../other-run"}, "row 3: run is '../other-run'; expected <experiment>/<run's folder>"),
    ({"run": "/etc/a-b"}, "row 3: run is '/etc/a-b'"),
    ({"upload": "uploads/../../x.csv"}, "row 3: upload is 'uploads/../../x.csv'; expected the copy to upload"),
    ({"registered": "yesterday"}, "row 3: registered is 'yesterday'; expected a date like 2026-11-23T15:00:00"),
    ({"public": "0.5", "scored": "23.11.26"}, "row 3: scored is '23.11.26'; expected a date"),
])
def test_a_damaged_cell_is_named_with_its_row(tmp_path: Path, change: dict[str, str], said: str) -> None:
    with open_ledger(tmp_path) as rows:
        rows.extend([row(1), row(2, **change)])
    with pytest.raises(DataError) as caught:
        read_ledger(tmp_path)
    assert f"{LEDGER}, {said}" in str(caught.value)


@pytest.mark.parametrize(("damage", "said"), [
    (lambda text: "", "row 1: no column run"),
    (lambda text: text.replace("public", "score"), "row 1: no column public"),
    (lambda text: text.replace("note", "note,mine").replace(",\n", ",,\n"), "row 1: unknown column 'mine'"),
    (lambda text: text[:-30], "row 3: "),
    (lambda text: text.replace(",", ";"), "is separated by semicolons"),
    (lambda text: text + "focal\n", "row 4: 1 cells; expected 10"),
])
def test_a_file_that_is_no_ledger_is_refused_and_kept(tmp_path: Path, damage, said: str) -> None:  # noqa: ANN001
    with open_ledger(tmp_path) as rows:
        rows.extend([row(1), row(2)])
    path = tmp_path / LEDGER
    path.write_text(damage(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(DataError) as caught, open_ledger(tmp_path) as rows:
        rows.append(row(3))
    assert said in str(caught.value) and path.read_bytes() == before


def test_a_ledger_that_can_not_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_ledger(tmp_path) as rows:
        rows.append(row(1))

    def full_disk(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("runners.state.os.replace", full_disk)
    with pytest.raises(DataError, match="can't be written: No space left on device; .* it is as it was"):
        with open_ledger(tmp_path) as rows:
            rows.append(row(2))
    assert read_ledger(tmp_path) == [row(1)]


WRITER = """
import sys
from pathlib import Path
from analysis.leaderboard.ledger import Submission, open_ledger
runs, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + count):
    with open_ledger(runs) as rows:
        rows.append(Submission(f"focal/x-{number}", f"{number:064x}", "2026-11-23T15:00:00+00:00",
                               f"uploads/{number}.csv", 0.1, None))
    print(number, flush=True)
"""


def start(runs: Path, first: int, count: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", WRITER, str(runs), str(first), str(count)], cwd=PROJECT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


def test_processes_that_add_at_once_lose_no_row_and_killing_one_damages_nothing(tmp_path: Path) -> None:
    writers = [start(tmp_path, 1000 * writer, 15) for writer in range(3)]
    victim = start(tmp_path, 900_000, 100_000)
    for process in [*writers, victim]:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in [*writers, victim]:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert victim.stdout is not None
    told = {int(victim.stdout.readline()) for _ in range(3)}
    victim.send_signal(signal.SIGKILL)
    told |= {int(line) for line in victim.communicate()[0].split()}
    for process in writers:
        process.communicate(timeout=120)
        assert process.returncode == 0
    kept = {int(submission.sha256, 16) for submission in read_ledger(tmp_path)}
    expected = {1000 * writer + number for writer in range(3) for number in range(15)}
    assert expected <= kept and told <= kept
    assert len(kept - expected - told) <= 1     # written, and killed before it could say so
