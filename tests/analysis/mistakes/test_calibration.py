"""The calibration curve is scikit-learn's, the expected error the formula's."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from analysis.mistakes.calibration import calibration
from analysis.mistakes.judged_images import JudgedImages
from data.errors import DataError

Draw = Callable[..., JudgedImages]


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 20))
def test_curve_and_expected_error(random_judged: Draw, seed: int, images: int, bins: int) -> None:
    judged = random_judged(seed, images)
    found = calibration(judged, bins)
    confidence, right = judged.probabilities.max(1).astype(np.float64), judged.labels == judged.targets
    if len(set(right)) == 2:  # scikit-learn needs both
        accuracy, mean = calibration_curve(right, confidence, n_bins=bins, strategy="uniform")
        filled = found.images > 0
        np.testing.assert_allclose(found.accuracy[filled], accuracy)
        np.testing.assert_allclose(found.confidence[filled], mean)
    expected = 0.0
    for low, high in zip(found.edges[:-1], found.edges[1:], strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert np.isclose(found.expected_error, expected, atol=1e-12)
    assert found.images.sum() == images
    assert np.isclose(found.mean_confidence, confidence.mean()) and np.isclose(found.mean_accuracy, right.mean())


def test_a_confidence_on_an_edge_belongs_to_the_bin_below(judge: Callable[..., JudgedImages]) -> None:
    confidence = np.array([0.5, 0.5, 0.75, 0.8])
    found = calibration(judge([0, 1, 0, 1], np.stack([confidence, 1 - confidence], 1), None, ("a", "b")), 4)
    assert found.images.tolist() == [0, 2, 1, 1]
    accuracy, _ = calibration_curve([1, 0, 1, 0], confidence, n_bins=4)
    np.testing.assert_allclose(found.accuracy[1:], accuracy)
    assert np.isnan(found.accuracy[0])


def sure_by(judge: Callable[..., JudgedImages], probability: float, accuracy: float, images: int) -> JudgedImages:
    targets = (np.arange(images) >= accuracy * images).astype(int)
    return judge(targets, np.tile([probability, 1 - probability], (images, 1)), None, ("a", "b"))


@pytest.mark.parametrize(
    ("accuracy", "said"), [(0.6, "surer than they"), (1.0, "less sure than they"), (0.8, "as sure as they")]
)
def test_the_tendency_is_said_in_words(judge: Callable[..., JudgedImages], accuracy: float, said: str) -> None:
    found = calibration(sure_by(judge, 0.8, accuracy, 1000))
    assert found.tendency.startswith(said)
    assert np.isclose(found.expected_error, abs(0.8 - accuracy), atol=1e-6)


def test_opposite_errors_are_no_tendency(judge: Callable[..., JudgedImages]) -> None:
    probabilities = np.repeat([[0.9, 0.1], [0.6, 0.4]], 500, axis=0)
    targets = np.concatenate([np.arange(500) >= 375, np.arange(500) >= 375]).astype(int)  # .75 right in either half
    found = calibration(judge(targets, probabilities, None, ("a", "b")))
    assert found.tendency == "too sure of some images, too unsure of others"


def test_what_chance_alone_does_to_calibrated_networks(random_judged: Draw) -> None:
    """Labels drawn from the probabilities themselves: their mean expected error is the one foretold."""
    judged, rng = random_judged(3, 400), np.random.default_rng(0)
    drawn = []
    for _ in range(200):
        draws = (judged.probabilities.cumsum(1) < rng.random((400, 1))).sum(1).clip(max=17)
        again = JudgedImages(
            judged.image_ids, judged.paths, judged.persons, draws, judged.probabilities, judged.class_names
        )
        drawn.append(calibration(again).expected_error)
    assert np.isclose(np.mean(drawn), calibration(judged).by_chance, rtol=0.06)


def test_rounding_above_one_is_no_mistake_and_no_bin_is(judge: Callable[..., JudgedImages]) -> None:
    judged = judge([0, 1], [[1.0000001, 0], [0.5, 0.5]], list("ab"), ("a", "b"))
    assert calibration(judged).images[-1] == 1
    with pytest.raises(DataError, match="bins is 0; at least 1"):
        calibration(judged, 0)
