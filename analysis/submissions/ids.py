"""What is wrong with an id that the test set does not have: often it is one of its ids, mangled on the way."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from analysis.submissions.answers import SCIENTIFIC
from data.csv_rows import FORMULA_STARTS
from data.errors import quote


class KnownIds:
    """The test set's ids, and the ways in which they are met mangled."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.places = {name: place for place, name in enumerate(ids)}
        self._by_case = {name.casefold(): name for name in ids}
        self._by_stem = {name.rpartition(".")[0]: name for name in ids if "." in name}
        self._by_last = {PurePosixPath(name).name: name for name in ids if "/" in name}
        self._example = ids[0]

    def wrong(self, name: str, column: str, cut: bool) -> tuple[str, str]:
        """Kind and reason of an id, without blanks around it, that is none of them; cut: the file ends in its line."""
        found = f"{column} is {quote(name)}"
        kind, meant = self._meant(name)
        if meant:
            return kind, f"{found}; expected {quote(meant)}."
        if cut and any(known.startswith(name) for known in self.places):
            return "cut-off last line", f"{found}, the beginning of an id; the file was cut short."
        if not kind:
            kind = "formula" if name.startswith(FORMULA_STARTS) else "unknown id"
        return kind, f"{found}, which the test set does not have; its ids are such as {quote(self._example)}."

    def _meant(self, name: str) -> tuple[str, str]:
        """Kind, and the id it stands for or nothing."""
        if not name:
            return "empty id", ""
        if SCIENTIFIC.fullmatch(name.rpartition(".jpg")[0] or name):
            return "scientific notation", ""
        if name.casefold() in self._by_case:
            return "id in other capitals", self._by_case[name.casefold()]
        last = re.split(r"[/\\]", name)[-1]
        if last != name and last in self.places:
            return "id with a folder", last
        if name in self._by_last:
            return "id without its folder", self._by_last[name]
        for stem in (name, name.rpartition(".")[0]):
            if stem in self._by_stem:
                return "id with another ending", self._by_stem[stem]
        return "", ""
