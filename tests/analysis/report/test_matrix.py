import numpy as np

from analysis.mistakes.confusion import Confusion
from analysis.report.matrix import matrix_cells, shown_values


def test_cells_are_shaded_by_their_share_of_the_row() -> None:
    confusion = Confusion("class", ("cat", "dog", "cow"), np.array([[90, 10, 0], [1, 0, 999], [0, 0, 0]]))
    rows = matrix_cells(confusion, shown_values(confusion))
    assert [[cell.count for cell in row] for row in rows] == confusion.counts.tolist()
    assert [[cell.level for cell in row] for row in rows] == [[9, 1, 0], [1, 0, 10], [0, 0, 0]]
    assert [[cell.kind for cell in row] for row in rows][:2] == [
        ["right h9", "wrong h1", ""],
        ["wrong h1", "", "wrong h10"],
    ]
    assert (rows[0][0].label, rows[0][1].label) == ("cat, answered right: 90 of 100", "cat, taken for dog: 10 of 100")


def test_of_many_classes_those_with_the_most_mistakes_are_shown_in_order() -> None:
    counts = np.diag(np.arange(100, 160))
    counts[7, 3], counts[50, 51] = 5, 9
    confusion = Confusion("class", tuple(map(str, range(60))), counts)
    shown = shown_values(confusion, most=4)
    assert shown == [3, 7, 50, 51] and len(shown_values(confusion)) == 40
    cells = matrix_cells(confusion, shown)
    assert (cells[2][3].truth, cells[2][3].answer, cells[2][3].count) == (50, 51, 9)
