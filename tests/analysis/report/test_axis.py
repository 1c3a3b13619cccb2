import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.axis import Axis, linear_axis, loss_axis, mark_text, round_step

VALUES = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=20)


@given(VALUES)
def test_a_linear_axis_holds_all_values_and_its_marks_are_round(values: list[float]) -> None:
    axis = linear_axis(values, 10, 110)
    slack = 1e-6 * (axis.high - axis.low)
    assert all(10 - 1e-4 <= axis.at(value) <= 110 + 1e-4 for value in values)
    marks = axis.marks()
    assert 2 <= len(marks) <= 12 and marks == sorted(marks)
    assert axis.low - slack <= marks[0] and marks[-1] <= axis.high + slack


def test_positions_are_in_proportion_and_may_run_upwards() -> None:
    axis = Axis(0.0, 2.0, 100, 0)
    assert (axis.at(0), axis.at(0.5), axis.at(2)) == (100, 75, 0)


def test_values_that_are_all_the_same_get_room_and_none_get_zero_to_one() -> None:
    same = linear_axis([3.0, 3.0], 0, 1)
    assert same.low < 3 < same.high
    assert linear_axis([math.nan, math.inf], 0, 1) == Axis(0.0, 1.0, 0, 1)


def test_a_loss_that_spans_decades_is_logarithmic() -> None:
    wide, near, with_zero = (
        loss_axis([0.01, 5.0], 0, 100),
        loss_axis([1.0, 5.0], 0, 100),
        loss_axis([0.0, 50.0], 0, 100),
    )
    assert wide.logarithmic and not near.logarithmic and not with_zero.logarithmic
    assert wide.at(0.1) - wide.at(0.01) == pytest.approx(wide.at(1.0) - wide.at(0.1))
    assert wide.marks() == pytest.approx([0.01, 0.1, 1.0])


@pytest.mark.parametrize(("about", "step"), [(0.9, 1), (1.0, 1), (1.1, 2), (2.3, 2.5), (0.03, 0.05), (700, 1000)])
def test_steps_are_round(about: float, step: float) -> None:
    assert round_step(about) == pytest.approx(step)


def test_marks_are_written_short() -> None:
    assert [mark_text(value) for value in (0.30000000000000004, 20.0, -1e-17, 1e-5)] == ["0.3", "20", "0", "1e-05"]
