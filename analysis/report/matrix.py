"""A confusion matrix as rows of cells: counts, and how dark each cell is drawn."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.mistakes.confusion import Confusion

MOST = 40  # values of one matrix; more are neither seen nor clicked by anybody
LEVELS = 10  # shades of a cell, by its share of the row: 1 is above 0, 10 above 90 %


@dataclass(frozen=True)
class Cell:
    """Images of one true value that got one answer."""

    truth: int
    answer: int
    count: int
    level: int  # 0 for no image, else 1..LEVELS
    label: str  # for those who can't see where it stands

    @property
    def kind(self) -> str:
        """The CSS classes of its shade."""
        return f"{'right' if self.truth == self.answer else 'wrong'} h{self.level}" if self.count else ""


def shown_values(confusion: Confusion, most: int = MOST) -> list[int]:
    """Indices of the values that a reader is shown: all, or the `most` of them with the most mistakes, in order."""
    counts = confusion.counts
    if len(counts) <= most:
        return list(range(len(counts)))
    wrong = counts.sum(0) + counts.sum(1) - 2 * np.diag(counts)
    return sorted(np.argsort(-wrong, kind="stable")[:most].tolist())


def matrix_cells(confusion: Confusion, shown: Sequence[int]) -> list[list[Cell]]:
    """Rows of cells of the shown values: truth down, answer across; shares are of whole rows, shown or not."""
    totals = confusion.counts.sum(1).tolist()
    return [[_cell(confusion, truth, answer, totals[truth]) for answer in shown] for truth in shown]


def _cell(confusion: Confusion, truth: int, answer: int, total: int) -> Cell:
    count = int(confusion.counts[truth, answer])
    level = math.ceil(LEVELS * count / total) if count else 0
    return Cell(truth, answer, count, level, _label(confusion, truth, answer, count, total))


def _label(confusion: Confusion, truth: int, answer: int, count: int, total: int) -> str:
    of = f"{count:,} of {total:,}"
    if truth == answer:
        return f"{confusion.values[truth]}, answered right: {of}"
    return f"{confusion.values[truth]}, taken for {confusion.values[answer]}: {of}"
