"""What a match is judged on: one checked record of labels, persons, predictions and public scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.matching.checked_arrays import (
    checked_features,
    checked_labels,
    checked_persons,
    checked_predictions,
    checked_scores,
)
from analysis.matching.domain_shift import principal_components
from data.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST_PROBABILITY = 1e-4         # below it a probability says no more about the shift, its logarithm would


@dataclass(frozen=True)
class Evidence:
    """N training images of P persons, E submitted runs, and M test images where their predictions are known.

    shift: what a domain classifier sees of the training and the test images, (N, K) and (M, K), or None: principal
    components of the network's features, then of the runs' predictions.
    """

    targets: Ints                       # (N,)
    person_of_image: Ints               # (N,) index into persons
    persons: NDArray[np.generic]        # (P,) sorted
    labels: Ints                        # (E, N) out-of-fold
    leaderboard: Floats                 # (E,) public macro F1
    test_labels: Ints | None            # (E, M)
    shift: tuple[Floats, Floats] | None
    class_count: int                    # C
    public_persons: float               # persons the public score is thought to rest on

    @property
    def class_counts(self) -> Ints:
        """Images of each person by class, (P, C)."""
        cells = np.bincount(
            self.person_of_image * self.class_count + self.targets, minlength=len(self.persons) * self.class_count
        )
        return cells.reshape(len(self.persons), self.class_count)

    def person_means(self, values: Floats) -> Floats:
        """Mean over each person's images of values (N,): (P,)."""
        return np.bincount(self.person_of_image, values) / np.bincount(self.person_of_image)


def gather_evidence(
    targets: ArrayLike, persons: ArrayLike, oof: ArrayLike, leaderboard: ArrayLike,
    test: ArrayLike | None, features: ArrayLike | None, test_features: ArrayLike | None, valid_fraction: float,
) -> Evidence:
    """Everything :func:`analysis.split_match.match_splits` was given, checked; DataError names what does not fit."""
    true = checked_labels(targets, "targets").astype(np.int64)
    person_of_image, unique_persons = checked_persons(persons, true.size)
    if len(unique_persons) < 2:
        raise DataError(f"persons: {len(unique_persons)} found, a split needs at least 2: one side each.")
    labels = checked_predictions(oof, true.size, "oof").astype(np.int64)
    scores = checked_scores(leaderboard, len(labels))
    test_labels = None if test is None else checked_predictions(test, None, "test").astype(np.int64)
    if test_labels is not None and len(test_labels) != len(labels):
        raise DataError(f"test: predictions of {len(test_labels)} runs found, oof has {len(labels)}: not the same.")
    test_count = None if test_labels is None else test_labels.shape[1]
    known = checked_feature_pair(features, test_features, true.size, test_count)
    classes = max(int(values.max()) for values in (true, labels, *([] if test_labels is None else [test_labels])))
    seen = [] if test is None else [prediction_features(oof, test, classes + 1)]
    pairs = ([] if known is None else [known]) + seen
    shift = joined([principal_components(*pair) for pair in pairs])
    images_a_person = true.size / len(unique_persons)
    public_persons = valid_fraction * len(unique_persons) if shift is None else len(shift[1]) / 2 / images_a_person
    return Evidence(
        targets=true, person_of_image=person_of_image, persons=unique_persons, labels=labels, leaderboard=scores,
        test_labels=test_labels, shift=shift, class_count=classes + 1, public_persons=max(1.0, public_persons),
    )


def checked_feature_pair(
    features: ArrayLike | None, test_features: ArrayLike | None, image_count: int, test_count: int | None
) -> tuple[NDArray[np.floating], NDArray[np.floating]] | None:
    """The network's features of both sets, or None where neither is given."""
    if features is None and test_features is None:
        return None
    if features is None or test_features is None:
        missing = "features" if features is None else "test_features"
        raise DataError(f"{missing}: not given; features of the training and of the test images come together.")
    train = checked_features(features, image_count, "features")
    test = checked_features(test_features, test_count, "test_features")
    if train.shape[1] != test.shape[1]:
        raise DataError(f"test_features: {test.shape[1]} columns found, features have {train.shape[1]}.")
    return train, test


def joined(pairs: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats] | None:
    """Columns of all pairs side by side, or None where there are none: nothing to see a shift by."""
    if sum(train.shape[1] for train, _ in pairs) == 0:
        return None
    return np.hstack([train for train, _ in pairs]), np.hstack([test for _, test in pairs])


def prediction_features(oof: ArrayLike, test: ArrayLike, class_count: int) -> tuple[Floats, Floats]:
    """What the runs say of each image, (N, C) and (M, C): mean log-probabilities, or shares of votes for labels."""
    train, unseen = np.asarray(oof), np.asarray(test)
    if train.ndim == 3 and unseen.ndim == 3 and train.shape[2] == unseen.shape[2]:
        return mean_log_probabilities(train), mean_log_probabilities(unseen)
    return votes(checked_predictions(oof, None, "oof"), class_count), votes(
        checked_predictions(test, None, "test"), class_count
    )


def mean_log_probabilities(probabilities: NDArray[np.floating]) -> Floats:
    """Mean over runs of log-probabilities: (E, N, C) -> (N, C)."""
    total = np.zeros(probabilities.shape[1:])
    for run in probabilities:
        total += np.log(np.maximum(run, SMALLEST_PROBABILITY))
    return total / len(probabilities)


def votes(labels: NDArray[np.integer], class_count: int) -> Floats:
    """Share of the runs that predict each class: (E, N) -> (N, C)."""
    shares = np.zeros((labels.shape[1], class_count))
    for run in labels:
        shares[np.arange(run.size), run] += 1
    return shares / len(labels)
