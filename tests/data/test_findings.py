from pathlib import Path

import pytest

from data.errors import DataError
from data.findings import Finding, raise_first, some_names


def test_only_findings_that_stop_are_raised(tmp_path: Path) -> None:
    raise_first([Finding("a", "Said.", stops=False)])
    with pytest.raises(DataError, match="^First.$"):
        raise_first([Finding("a", "Said.", stops=False), Finding("b", "First.")])
    with pytest.raises(DataError, match=r"^First. \(2 more: `python -m experiments check` lists them.\)$"):
        raise_first([Finding("b", "First."), Finding("b", "Second."), Finding("c", "Third.")])


def test_some_names_counts_what_it_leaves_out() -> None:
    assert some_names(["a", "b"], 2) == "'a', 'b'"
    assert some_names(["a", "b", "c", "d"], 2) == "'a', 'b' and 2 more"
    assert some_names(["\x1b[31m"]) == "'\\x1b[31m'"
