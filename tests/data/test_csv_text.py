"""What is written is what is read, whatever the cells hold."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.csv_rows import read_rows
from data.csv_text import csv_text

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
CELLS = st.text(LETTERS | st.sampled_from(',"\r\n\'; '), max_size=9)


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(csv_text([("a", "b"), *rows]).encode())
    read, findings = read_rows(file, ("a", "b"))
    assert not findings and list(read.itertuples(index=False, name=None)) == rows


def test_plain_rows_are_written_plainly(tmp_path: Path) -> None:
    assert csv_text([("id", "f1"), ("000001", 0.1), ("a,b", None)]) == 'id,f1\n000001,0.1\n"a,b",\n'
    assert csv_text([("a\rb", 1)]) == '"a\rb","1"\n'
