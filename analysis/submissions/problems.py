"""What is wrong with a submission: each place with its line, its reason, and whether a repair is safe."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST = 5  # places listed of a kind


@dataclass(frozen=True)
class Problem:
    """One place of a file that is not as it must be."""

    kind: str  # a few words, the same for all places of the kind
    line: int  # of the file, the header's is 1; 0 where it is no line's
    text: str  # what was found and what would be right
    repairable: bool = False  # what it should be is beyond doubt

    @property
    def place(self) -> str:
        """The line in words, or nothing."""
        return f"line {self.line}" if self.line else ""


@dataclass(frozen=True)
class Kind:
    """All places of one kind."""

    name: str
    first: tuple[Problem, ...]  # at most MOST
    count: int

    @property
    def repairable(self) -> bool:
        """Whether every place can be repaired: the ones not listed are as the ones listed."""
        return all(problem.repairable for problem in self.first)


def by_kind(problems: Sequence[Problem], most: int = MOST) -> list[Kind]:
    """Problems under their kinds, in the order of the first place of each; repairable ones apart from others."""
    kinds: dict[tuple[str, bool], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.kind, problem.repairable), []).append(problem)
    return [Kind(name, tuple(places[:most]), len(places)) for (name, _), places in kinds.items()]
