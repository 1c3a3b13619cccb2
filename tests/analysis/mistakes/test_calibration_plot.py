"""The curve that is drawn is the one that was computed."""

from collections.abc import Callable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from analysis.mistakes.calibration import calibration
from analysis.mistakes.calibration_plot import calibration_figure
from analysis.mistakes.judged_images import JudgedImages


def test_points_and_bars_are_the_bins(random_judged: Callable[..., JudgedImages]) -> None:
    found = calibration(random_judged(0, 500))
    figure = calibration_figure(found)
    FigureCanvasAgg(figure).draw()
    upper, lower = figure.axes
    filled = found.images > 0
    np.testing.assert_allclose(upper.lines[1].get_ydata(), found.accuracy[filled])
    np.testing.assert_allclose(upper.lines[1].get_xdata(), found.confidence[filled])
    assert [bar.get_height() for bar in lower.patches] == found.images.tolist()
    assert f"{found.expected_error:.3f}" in upper.get_title(loc="left")
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)
