"""What a match is given is checked and put together once."""

from typing import Any

import numpy as np
import pytest

from analysis.matching.match_evidence import gather_evidence, mean_log_probabilities, votes
from data.errors import DataError

RNG = np.random.default_rng(0)
GOOD: dict[str, Any] = {
    "targets": RNG.integers(0, 3, 24), "persons": np.repeat(["d", "b", "c", "a", "e", "f"], 4),
    "oof": RNG.dirichlet(np.ones(3), (2, 24)), "leaderboard": [0.7, 0.8], "test": RNG.dirichlet(np.ones(3), (2, 16)),
    "features": RNG.normal(size=(24, 5)), "test_features": RNG.normal(size=(16, 5)), "valid_fraction": 0.5,
}


def test_gathers_what_it_was_given() -> None:
    evidence = gather_evidence(**GOOD)
    assert evidence.persons.tolist() == list("abcdef")
    np.testing.assert_array_equal(evidence.persons[evidence.person_of_image], GOOD["persons"])
    np.testing.assert_array_equal(evidence.labels, GOOD["oof"].argmax(2))
    assert evidence.class_count == 3 and evidence.public_persons == 16 / 2 / 4
    for row, person in enumerate("abcdef"):
        of_person = GOOD["targets"][GOOD["persons"] == person]
        np.testing.assert_array_equal(evidence.class_counts[row], np.bincount(of_person, minlength=3))
    assert evidence.person_means(GOOD["features"][:, 0])[1] == pytest.approx(GOOD["features"][4:8, 0].mean())
    assert evidence.shift is not None and evidence.shift[0].shape[0] == 24 and evidence.shift[1].shape[0] == 16
    assert evidence.shift[0].shape[1] == 5 + 3                      # features, then log-probabilities


def test_labels_vote_where_there_are_no_probabilities() -> None:
    of_labels = gather_evidence(**(GOOD | {"oof": GOOD["oof"].argmax(2), "test": GOOD["test"].argmax(2)}))
    assert of_labels.shift is not None and of_labels.shift[0].shape[1] == 5 + 2     # shares of votes sum to 1
    np.testing.assert_array_equal(votes(np.array([[0, 2], [0, 1]]), 3), [[1, 0, 0], [0, 0.5, 0.5]])
    means = mean_log_probabilities(np.array([[[0.5, 0.5]], [[1.0, 0.0]]]))
    np.testing.assert_allclose(means, [[np.log(0.5) / 2, (np.log(0.5) + np.log(1e-4)) / 2]])


def test_without_the_test_set_nothing_is_known_of_a_shift() -> None:
    alone = gather_evidence(**(GOOD | {"test": None, "features": None, "test_features": None}))
    assert alone.shift is None and alone.test_labels is None and alone.public_persons == 3
    same = {"test": None, "features": np.ones((24, 2)), "test_features": np.ones((9, 2))}
    constant = gather_evidence(**(GOOD | same))
    assert constant.shift is None


@pytest.mark.parametrize(("change", "sentence"), [
    ({"leaderboard": [0.7, 76.12]}, r"leaderboard: run 1 has 76\.12; a macro F1 lies in 0\.\.1, write 0\.7612\."),
    ({"leaderboard": [-0.1, 0.8]}, r"leaderboard: run 0 has -0\.1; a macro F1 lies in 0\.\.1"),
    ({"leaderboard": [0.7, 700]}, "leaderboard: run 1 has 700;"),
    ({"leaderboard": [0.7, np.nan]}, "leaderboard: run 1 has the score nan; every run used needs"),
    ({"leaderboard": [0.7]}, r"leaderboard: shape \(1,\) found, \(2,\) is needed: a score a run"),
    ({"oof": [[0, 1, 2], [0, 1]]}, "oof: the runs predict different numbers of images"),
    ({"oof": GOOD["oof"][:0]}, r"oof: shape \(0, 24, 3\) found"),
    ({"oof": GOOD["oof"][:, :20]}, r"oof: shape \(2, 20, 3\) found, \(E, 24\) labels"),
    ({"oof": np.where(np.arange(24)[:, None] == 5, np.nan, GOOD["oof"])}, "oof: run 0 has probabilities that are not"),
    ({"persons": np.repeat("a", 24)}, "persons: 1 found, a split needs at least 2"),
    ({"test": GOOD["test"][:1]}, "test: predictions of 1 runs found, oof has 2"),
    ({"test_features": None}, "test_features: not given; features of the training and of the test images come"),
    ({"features": None}, "features: not given;"),
    ({"features": GOOD["features"][:9]}, r"features: shape \(9, 5\) of float64 found, \(24, D\) numbers are needed"),
    ({"test_features": GOOD["features"]}, r"test_features: shape \(24, 5\) of float64 found, \(16, D\)"),
    ({"test_features": GOOD["test_features"][:, :4]}, "test_features: 4 columns found, features have 5"),
    ({"test_features": GOOD["test_features"] * np.inf}, "test_features: image 0 has a feature that is not finite"),
])
def test_what_does_not_fit_is_a_sentence(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        gather_evidence(**(GOOD | change))
