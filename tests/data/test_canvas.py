"""Curves, poses and soft shadows of the drawn faces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.canvas import NECK, UNIT, Canvas, darker, ellipse, mirrored, mix, on_side, smooth
from data.people import Shot

STRAIGHT = Shot(shift=(0.0, 0.0), scale=1.0, tilt=0.0, yaw=0.0, pitch=0.0, smile=0.0, lids=1.0, gaze=0.0, slip=0.0,
                gain=1.0, slope=(0.0, 0.0), warmth=0.0, blur=0.0, noise=0.0, grain=0, quality=90)
SIZE = (64, 48)
HEAD = np.array([(0.0, -1.0), (0.7, 0.1), (-0.4, 0.5), (0.0, 1.0)])
numbers = st.floats(-2, 2)


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9), st.booleans())
def test_a_curve_passes_through_its_knots_in_order(knots, closed):
    curve = smooth(knots, closed=closed)
    np.testing.assert_allclose(curve[::6], knots, atol=1e-12)
    assert len(curve) == (6 * len(knots) if closed else 6 * (len(knots) - 1) + 1)


def test_a_curve_through_points_of_a_parabola_is_the_parabola():
    x = np.arange(-3.0, 4.0)
    inner = smooth(np.column_stack([x, x**2]), closed=False)[6:-6]      # the end pieces know one neighbour only
    np.testing.assert_allclose(inner[:, 1], inner[:, 0] ** 2, atol=1e-12)


def test_a_mirrored_outline_is_symmetric_and_does_not_repeat_the_middle():
    outline = mirrored([(0, -1), (0.5, 0), (0, 1)])
    np.testing.assert_array_equal(outline, [(0, -1), (0.5, 0), (0, 1), (-0.5, 0)])
    np.testing.assert_array_equal(on_side(-1, [(0.5, 0.2)]), [(-0.5, 0.2)])


def test_an_ellipse_satisfies_its_equation():
    turn = 0.3
    back = np.array([(np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))])
    along = (ellipse(2, -1, 0.5, 0.2, turn) - (2, -1)) @ back
    np.testing.assert_allclose((along[:, 0] / 0.5) ** 2 + (along[:, 1] / 0.2) ** 2, 1)


def test_colours():
    assert mix((0, 100, 200), (100, 100, 0), 0.25) == (25, 100, 150)
    assert darker((200, 100, 10), 0.5) == (100, 50, 5)
    assert darker((200, 100, 10), 2.0) == (255, 200, 20)


def test_a_straight_head_lies_in_the_middle_in_its_units():
    canvas = Canvas(SIZE, STRAIGHT, (0, 0, 0))                           # drawn at twice 48 x 64
    placed = canvas.place(HEAD, 0.0)
    np.testing.assert_allclose(placed, HEAD * UNIT * 128 + (48, 0.49 * 128))
    np.testing.assert_allclose(canvas.place(HEAD, None), placed)


@pytest.mark.parametrize("pose", [{"tilt": 0.3}, {"yaw": 0.3}, {"pitch": 0.3}])
def test_a_pose_moves_the_head_and_leaves_the_body(pose):
    straight, posed = Canvas(SIZE, STRAIGHT, (0, 0, 0)), Canvas(SIZE, replace(STRAIGHT, **pose), (0, 0, 0))
    np.testing.assert_allclose(posed.place(HEAD, None), straight.place(HEAD, None))
    assert not np.allclose(posed.place(HEAD, 0.3), straight.place(HEAD, 0.3), atol=0.5)


def test_tilting_turns_about_the_neck():
    canvas = Canvas(SIZE, replace(STRAIGHT, tilt=0.2), (0, 0, 0))
    neck, crown = canvas.place([(0, NECK), (0, -1)], 0.0)
    np.testing.assert_allclose(neck, (48, 0.49 * 128 + NECK * UNIT * 128))
    angle = np.arctan2(crown[0] - neck[0], neck[1] - crown[1])
    assert angle == pytest.approx(0.2) and np.hypot(*(crown - neck)) == pytest.approx((1 + NECK) * UNIT * 128)


def test_turning_moves_the_nose_before_the_ears_and_narrows_the_face():
    canvas = Canvas(SIZE, replace(STRAIGHT, yaw=0.4), (0, 0, 0))
    nose, ear = canvas.place([(0, 0.2), (0, 0.2)], np.array([0.4, -0.1]))
    assert nose[0] - ear[0] == pytest.approx(0.5 * np.sin(0.4) * UNIT * 128)
    left, right = canvas.place([(-0.7, 0), (0.7, 0)], 0.0)
    assert right[0] - left[0] == pytest.approx(1.4 * np.cos(0.4) * UNIT * 128)


def test_half_transparent_paint_mixes_with_what_lies_below():
    canvas = Canvas(SIZE, STRAIGHT, (0, 0, 0))
    canvas.fill([(-1, -1), (1, -1), (1, 1), (-1, 1)], (200, 100, 0), alpha=0.5)
    assert canvas.image.getpixel((48, 62)) == pytest.approx((100, 50, 0), abs=1)


def test_shadows_darken_softly_where_they_are_cast_and_nowhere_else():
    canvas = Canvas(SIZE, STRAIGHT, (200, 200, 200))
    canvas.shade(ellipse(0, 0, 0.5, 0.5), 0.8)
    assert canvas.image.getpixel((48, 62)) == (200, 200, 200)             # not before it is cast
    canvas.cast_shadows()
    grey = np.asarray(canvas.image).mean(axis=2)
    assert grey[62, 48] < 100 and grey[0].min() == 200 and grey[-1].min() == 200
    assert len(np.unique(grey)) > 10
