"""The gap's parts add up, each is what its name says, and the text tells them."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from analysis.matching.gap import explain_gap
from analysis.matching.score_noise import score_deviation
from data.errors import DataError

CONFUSION = np.array([[0.95, 0.05, 0.0], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6]])        # p(predicted | true)


def predict(rng: np.random.Generator, targets: np.ndarray) -> np.ndarray:
    return (rng.random((targets.size, 1)) > CONFUSION.cumsum(1)[targets]).sum(1)


@pytest.fixture(scope="module")
def case() -> dict[str, Any]:
    """500 persons of 4 images; the first 60 leaked, and were known by heart; test shares are the other way round."""
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(500), 4)
    targets = np.repeat(rng.choice(3, 500, p=(0.6, 0.3, 0.1)), 4)
    unseen = rng.choice(3, 2400, p=(0.2, 0.3, 0.5))
    oof, test = predict(rng, targets), predict(rng, unseen)
    oof[persons < 60] = targets[persons < 60]
    return {
        "targets": targets, "persons": persons, "oof": oof, "test": test, "leaked": persons < 60,
        "public": float(f1_score(unseen[:1200], test[:1200], average="macro")),
    }


def test_parts_add_up_and_each_is_its_own_difference(case: dict[str, Any]) -> None:
    gap = explain_gap(**case)
    honest = ~case["leaked"]
    plain = f1_score(case["targets"], case["oof"], average="macro")
    clean = f1_score(case["targets"][honest], case["oof"][honest], average="macro")
    assert gap.oof == pytest.approx(plain) and gap.leak == pytest.approx(clean - plain) and gap.leak < -0.01
    assert gap.leak + gap.label_shift + gap.rest == pytest.approx(gap.public - plain)
    assert gap.total == gap.public - gap.oof
    weights = (np.array([0.2, 0.3, 0.5]) / np.bincount(case["targets"][honest]))[case["targets"][honest]]
    shifted = f1_score(case["targets"][honest], case["oof"][honest], average="macro", sample_weight=weights)
    assert gap.label_shift == pytest.approx(shifted - clean, abs=0.015) and abs(shifted - clean) > 0.03
    assert gap.within_noise and gap.public_persons == 300
    assert 0.005 < gap.noise < 0.05


def test_a_given_prior_is_used_as_it_is(case: dict[str, Any]) -> None:
    for leaked in (None, case["leaked"]):
        gap = explain_gap(**(case | {"leaked": leaked, "prior": [4, 6, 10]}))
        targets, oof = (case[name] if leaked is None else case[name][~leaked] for name in ("targets", "oof"))
        weights = (np.array([0.2, 0.3, 0.5]) / np.bincount(targets))[targets]
        shifted = f1_score(targets, oof, average="macro", sample_weight=weights)
        assert gap.label_shift == pytest.approx(shifted - f1_score(targets, oof, average="macro"))
        assert (gap.leak is None) == (leaked is None) == ("Leak was not looked for." in gap.text)


def test_without_test_predictions_label_shift_is_not_guessed(case: dict[str, Any]) -> None:
    gap = explain_gap(case["targets"], case["persons"], case["oof"], case["public"])
    assert gap.label_shift is None and gap.leak is None and gap.rest == pytest.approx(gap.total)
    assert gap.public_persons == 500
    expected = score_deviation(case["targets"], case["persons"], case["oof"][None], np.ones(2000), 500)[0]
    assert gap.noise == pytest.approx(expected)
    assert "Label shift was not estimated, for want of test predictions." in gap.text


def test_the_text_tells_each_part(case: dict[str, Any]) -> None:
    gap = explain_gap(**case)
    for number in (f"{gap.public:.4f}", f"{gap.oof:.4f}", f"{gap.total:+.4f}", f"{gap.leak:+.4f}", f"{gap.rest:+.4f}"):
        assert number in gap.text
    assert "is within the noise of a score on about 300 persons" in gap.text
    assert "\n" not in gap.text
    far = explain_gap(**(case | {"public": 0.2}))
    assert not far.within_noise and "is beyond the noise" in far.text


def test_a_mask_of_persons_is_one_of_their_images(case: dict[str, Any]) -> None:
    by_person = explain_gap(**(case | {"leaked": np.arange(500) < 60}))
    assert by_person == explain_gap(**case)


def test_probabilities_are_their_largest_class(case: dict[str, Any]) -> None:
    as_probabilities = {"oof": np.eye(3)[case["oof"]], "test": np.eye(3)[case["test"]]}
    assert explain_gap(**(case | as_probabilities)) == explain_gap(**case)


def test_more_persons_make_less_noise(case: dict[str, Any]) -> None:
    few, many = (explain_gap(**case, public_persons=persons) for persons in (100, 400))
    assert few.noise == pytest.approx(2 * many.noise) and few.rest == many.rest


@pytest.mark.parametrize(("change", "sentence"), [
    ({"public": 76.12}, "public: run 0 has 76.12; a macro F1 lies in 0..1, write 0.7612"),
    ({"leaked": np.ones(2000, bool)}, "leaked: every image is marked"),
    ({"leaked": np.zeros(7, bool)}, r"leaked: bool of shape \(7,\) found"),
    ({"leaked": np.zeros(2000)}, r"leaked: float64 of shape \(2000,\) found"),
    ({"prior": [0.5, 0.5]}, r"prior: \(2,\) found, \(3,\) or more shares"),
    ({"prior": [0.5, -0.5, 1]}, "prior: "), ({"prior": [0, 0, 0]}, "prior: "),
    ({"prior": [0, 0, 0, 1]}, "prior: no class of the training images"),
    ({"oof": np.zeros(3, int)}, r"oof: shape \(1, 3\) found"),
])
def test_what_does_not_fit_is_a_sentence(case: dict[str, Any], change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        explain_gap(**(case | change))
