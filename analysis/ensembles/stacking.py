"""Stacking: logistic regression that learns from members' out-of-fold log-probabilities what the true class is."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.blends import Floats, log_probabilities, softmax
from analysis.run_predictions import Probabilities
from data.errors import DataError

# Both by cross-fitted scores on 140 and on 82 persons: with smaller probabilities told apart, or less strength of the
# penalty, the in-sample score rises further and the cross-fitted one falls.
LEAST_PROBABILITY = 1e-3
STRENGTH = 0.03  # scikit-learn's C: the penalty's weight is 1 / C, the images' weight 1 each
MOST_STEPS = 2000
PRECISION = 1e-3  # of the gradient
ABSENT = -30.0  # logit of a class no image has, e^-30 beside the others


@dataclass(frozen=True)
class Stacking:
    """A linear map from centred log-probabilities, member after member, to the logits of C classes."""

    coefficients: NDArray[np.float64]  # (M * C, C)
    intercepts: NDArray[np.float64]  # (C,)

    def probabilities(self, members: Probabilities) -> Floats:
        """Probabilities (n, C) from members' (M, n, C)."""
        return softmax(features(members) @ self.coefficients + self.intercepts)


def learn_stacking(members: Probabilities, targets: NDArray[np.int64]) -> Stacking:
    """Multinomial logistic regression of targets (n,) on members' out-of-fold probabilities (M, n, C), L2 penalty.

    Out-of-fold, or it would learn to trust whoever remembers best: Wolpert: Stacked Generalization (1992); with
    probabilities of all classes as features: Ting, Witten: Issues in Stacked Generalization (1999). Raises DataError
    where there is one class only.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    present = np.unique(targets)
    if len(present) < 2:
        raise DataError("Stacking learns to tell classes apart, and all images are of one; take another method.")
    model = LogisticRegression(C=STRENGTH, max_iter=MOST_STEPS, tol=PRECISION)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            model.fit(features(members), targets)
        except ConvergenceWarning as reason:
            raise DataError(f"Stacking found no end in {MOST_STEPS} steps; take another method.") from reason
    slopes, constants = model.coef_.T, model.intercept_
    if len(present) == 2:  # scikit-learn keeps the second class's alone
        slopes, constants = np.hstack((-slopes / 2, slopes / 2)), np.append(-constants / 2, constants / 2)
    coefficients = np.zeros((len(slopes), members.shape[2]))
    intercepts = np.full(members.shape[2], ABSENT)
    coefficients[:, present], intercepts[present] = slopes, constants
    return Stacking(coefficients, intercepts)


def features(members: Probabilities) -> NDArray[np.float64]:
    """Log-probabilities of an image, less their mean in each member, side by side: (n, M * C) from (M, n, C)."""
    logs = log_probabilities(members, LEAST_PROBABILITY)
    centred = logs - logs.mean(2, keepdims=True)  # a constant changes no softmax
    return centred.transpose(1, 0, 2).reshape(members.shape[1], -1).astype(np.float64)
