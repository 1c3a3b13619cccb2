import numpy as np

from callbacks.trackers.confusion_picture import draw_confusion


def test_a_cell_is_as_dark_as_its_share_of_a_row() -> None:
    names = ["no", "$yes", "<b>perhaps</b>"]
    full = draw_confusion(np.array([[100, 0, 0], [0, 1, 0], [0, 0, 7]]), names, "all right")
    empty = draw_confusion(np.zeros((3, 3), np.int64), names, "all right")
    spread = draw_confusion(np.array([[50, 50, 0], [1, 1, 0], [0, 7, 7]]), names, "all right")
    assert full.dtype == np.uint8 and full.shape == empty.shape == spread.shape and full.shape[2] == 3

    def dark(picture: np.ndarray) -> int:
        return int((picture.astype(int).sum(2) < 3 * 100).sum())

    cell = 36 * 36
    assert dark(full) - dark(empty) > 2 * cell, "three rows of one cell each"
    assert abs(dark(spread) - dark(empty)) < cell / 2, "halves are lighter, and hold thin numbers"
