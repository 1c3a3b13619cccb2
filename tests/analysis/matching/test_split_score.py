"""score_splits is scikit-learn's f1_score on each subset, to the last digits, however it is blocked."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

import analysis.matching.split_score
from analysis.matching.split_score import blocks, packed, person_counts, score_splits, unpacked, weighted_macro_f1
from data.errors import DataError


def reference(targets: np.ndarray, persons: np.ndarray, labels: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """f1_score in a loop, weights as sample weights of the images with any; 0 where there are none."""
    column = np.unique(persons, return_inverse=True)[1]
    scores = np.zeros((len(membership), len(labels)))
    for row, weights in enumerate(np.asarray(membership, float)[:, column]):
        inside = weights > 0
        for run, predicted in enumerate(labels):
            if inside.any():
                scores[row, run] = f1_score(
                    targets[inside], predicted[inside], average="macro", sample_weight=weights[inside], zero_division=0
                )
    return scores


def random_case(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A few persons in any order, classes that may be absent, candidates of any size down to none."""
    rng = np.random.default_rng(seed)
    images, classes, runs = rng.integers(1, 30), rng.integers(1, 20), rng.integers(1, 3)
    persons = rng.choice(np.array(["q", "b", "zz", "a1", "c", "007"]), images)
    targets = rng.integers(0, classes, images)
    labels = np.where(rng.random((runs, images)) < 0.6, targets, rng.integers(0, classes, (runs, images)))
    membership = rng.random((2, len(np.unique(persons)))) < rng.choice([0.0, 0.3, 0.7, 1.0])
    membership[-1] = False
    return targets, persons, labels, membership


def test_equals_scikit_learn_on_a_thousand_cases() -> None:
    for seed in range(1000):
        targets, persons, labels, membership = random_case(seed)
        ours = score_splits(targets, persons, labels, membership)
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, reference(targets, persons, labels, membership), rtol=0, atol=1e-12)


def test_weights_count_as_sample_weights() -> None:
    for seed in range(60):
        targets, persons, labels, membership = random_case(seed)
        weights = membership * np.random.default_rng(seed).uniform(0.01, 7, membership.shape)
        ours = score_splits(targets, persons, labels, weights)
        np.testing.assert_allclose(ours, reference(targets, persons, labels, weights), rtol=0, atol=1e-12)
        doubled = score_splits(targets, persons, labels, membership.astype(np.uint8) * 2)
        np.testing.assert_array_equal(doubled, score_splits(targets, persons, labels, membership))


def test_blocks_of_runs_and_candidates_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    persons, targets = np.repeat(np.arange(20), 4), rng.integers(0, 5, 80)
    labels, membership = rng.integers(0, 5, (7, 80)), rng.random((11, 20)) < 0.4
    whole = score_splits(targets, persons, labels, membership)
    monkeypatch.setattr(analysis.matching.split_score, "COUNT_BYTES", 2 * 2 * 20 * 5 * 4)  # two runs at a time
    monkeypatch.setattr(analysis.matching.split_score, "MEMBERSHIP_BYTES", 3 * 4 * 20)
    monkeypatch.setattr(analysis.matching.split_score, "FEWEST_ROWS", 1)  # three candidates at a time
    np.testing.assert_array_equal(score_splits(targets, persons, labels, membership), whole)


def test_sums_too_large_for_float32_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    persons, targets = np.arange(4), np.array([0, 1, 1, 0])
    labels, heavy = np.array([[0, 1, 0, 0]]), np.array([[2**24 + 1, 1, 2**24 + 3, 1]])
    np.testing.assert_allclose(
        score_splits(targets, persons, labels, heavy), reference(targets, persons, labels, heavy), rtol=0, atol=1e-12
    )
    assert score_splits(targets, persons, labels, heavy) != score_splits(targets, persons, labels, heavy.astype("f4"))


def test_probabilities_are_their_largest_class() -> None:
    rng = np.random.default_rng(4)
    targets, persons, probabilities = rng.integers(0, 3, 30), np.repeat(np.arange(10), 3), rng.random((2, 30, 3))
    membership = rng.random((5, 10)) < 0.5
    np.testing.assert_array_equal(
        score_splits(targets, persons, probabilities, membership),
        score_splits(targets, persons, probabilities.argmax(2), membership),
    )


def test_columns_of_membership_are_the_sorted_persons() -> None:
    scores = score_splits([0, 1], ["zoe", "adam"], [[0, 0]], [[True, False], [False, True]])
    np.testing.assert_array_equal(scores, [[0.0], [1.0]])       # adam's image is a miss, zoe's a hit


def test_counts_hold_hits_and_misses() -> None:
    hits, misses = person_counts(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([[0, 0, 1]]), (2, 2))
    np.testing.assert_array_equal(hits, [[1, 0], [0, 1]])
    np.testing.assert_array_equal(misses, [[1, 1], [0, 0]])


@pytest.mark.parametrize(("most_hits", "most_misses", "columns", "number"), [
    (4095, 4095, 3, np.float32), (4095, 4096, 6, np.float32), (4096, 4095, 6, np.float32), (2**24, 5, 6, np.float32),
    (2**24 + 1, 5, 6, np.float64), (5, 2**24 + 1, 6, np.float64),
])
def test_packing_is_exact_up_to_the_last_image_that_fits(
    most_hits: int, most_misses: int, columns: int, number: type
) -> None:
    """Hits and misses below 2^12 share float32's 24 bits; one image more, and they lie side by side."""
    hits, misses = [[most_hits - 5, 0, 1], [5, 1, 0]], [[3, most_misses - 1, 0], [0, 1, 2]]
    counts = np.array([hits, misses], np.float32)
    table, base = packed(counts, largest=1)
    assert table.shape == (2, columns) and (base > 0) == (columns == 3) and table.dtype == number
    for membership in ([[1, 1]], [[0, 1]], [[1, 0]], [[0, 0]]):
        sums = unpacked(np.array(membership, table.dtype) @ table, base)
        np.testing.assert_array_equal(sums, [membership @ each for each in counts.astype(float)])


def test_weighted_score_of_images_equals_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    targets, labels, weights = rng.integers(0, 6, 200), rng.integers(0, 6, (3, 200)), rng.uniform(0.1, 4, 200)
    expected = [f1_score(targets, run, average="macro", sample_weight=weights) for run in labels]
    np.testing.assert_allclose(weighted_macro_f1(targets, labels, weights), expected, rtol=0, atol=1e-12)


def test_blocks_cover_everything_once() -> None:
    assert [(part.start, part.stop) for part in blocks(7, 3)] == [(0, 3), (3, 6), (6, 7)]
    assert [(part.start, part.stop) for part in blocks(2, 0)] == [(0, 1), (1, 2)]
    assert list(blocks(0, 3)) == []


@pytest.mark.parametrize(("change", "sentence"), [
    ({"oof": np.zeros((2, 5), int)}, r"oof: shape \(2, 5\) found, \(E, 4\) labels"),
    ({"oof": np.zeros((0, 4), int)}, r"oof: shape \(0, 4\)"),
    ({"persons": np.arange(3)}, r"persons: shape \(3,\) found, \(4,\) is needed"),
    ({"persons": np.array(["a", None, "b", "c"], object)}, "persons: image 1 has none"),
    ({"membership": np.ones((2, 3), bool)}, r"membership: shape \(2, 3\) found, \(S, 4\) is needed"),
    ({"membership": np.array([[1.0, -0.1, 0, 0]])}, "membership: a weight that is negative"),
    ({"membership": np.array([[1.0, np.nan, 0, 0]])}, "membership: a weight that is negative or not finite"),
    ({"membership": np.array([["a", "b", "c", "d"]])}, "membership: values of type <U1"),
    ({"targets": np.array([0, 1, -1, 0])}, "targets: class -1 found"),
    ({"targets": np.array([0, 1, 0.5, 0])}, "targets: a class that is not a whole number"),
    ({"targets": np.zeros((4, 1), int)}, r"targets: shape \(4, 1\)"),
    ({"targets": np.array(["a", "b", "a", "b"])}, "targets: values of type <U1"),
    ({"oof": np.full((1, 4, 2), np.nan)}, "oof: run 0 has probabilities that are not finite"),
])
def test_what_does_not_fit_is_a_sentence(change: dict[str, np.ndarray], sentence: str) -> None:
    good = {
        "targets": np.array([0, 1, 0, 1]), "persons": np.arange(4), "oof": np.zeros((1, 4), int),
        "membership": np.ones((1, 4), bool),
    }
    score_splits(**good)
    with pytest.raises(DataError, match=sentence):
        score_splits(**(good | change))
