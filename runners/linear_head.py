"""A linear layer fitted by scikit-learn: as a pipeline of standardisation and classifier predicts, in one product."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from data.errors import DataError
from runners.experiment import asks, build

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearHead:
    """Logits are features @ weight.T + bias; a class without a training image has the bias -inf: probability 0."""

    weight: Floats  # (C, F)
    bias: Floats  # (C,)
    iterations: int  # that the fit took; 0 where one class left nothing to fit
    converged: bool

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of features (V, n, F) in V views: (n, C), the mean over views."""
        of_views = softmax(features.astype(np.float64) @ self.weight.T + self.bias, axis=-1)  # (V, n, C)
        mean: NDArray[np.float32] = of_views.mean(0).astype(np.float32)
        return mean


def fit_head(
    classifier: "partial[Any]", features: NDArray[np.float32], targets: NDArray[np.int64], classes: int, seed: int
) -> LinearHead:
    """Fit to features (V, n, F) in V views, targets (n,): each view of an image is a row of its own.

    `classifier` makes what has ``fit``, ``coef_`` and ``intercept_``, and gets `random_state` if it does not state one.
    The standardisation of ``StandardScaler`` is folded into the weights. DataError where the classifier refuses.
    """
    views, images, width = features.shape
    rows = features.reshape(views * images, width).astype(np.float64)
    labels = np.tile(targets, views)
    weight, bias = np.zeros((classes, width)), np.full(classes, -np.inf)
    present = np.unique(targets)
    bias[present] = 0.0
    if len(present) == 1:  # as in --fast: there is nothing to tell apart
        return LinearHead(weight, bias, 0, True)
    scaler = StandardScaler().fit(rows)
    known = {"random_state": seed} if asks(classifier, "random_state") else {}
    made = build("classifier", classifier, **known)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
        build("classifier", partial(made.fit), scaler.transform(rows), labels)
    if not hasattr(made, "coef_"):
        raise DataError(
            f"classifier is {type(made).__name__}, which has no coef_: a linear one, such as LogisticRegression, "
            "would be right."
        )
    scaled, offset = np.asarray(made.coef_), np.asarray(made.intercept_)  # (P, F), (P,) of the P classes present
    if len(present) == 2:  # scikit-learn gives one logit, that of the second class against the first
        scaled, offset = np.vstack([np.zeros_like(scaled), scaled]), np.append(0.0, offset)
    weight[present] = scaled / scaler.scale_
    bias[present] = offset - weight[present] @ scaler.mean_
    iterations = int(np.max(getattr(made, "n_iter_", 0)))
    return LinearHead(weight, bias, iterations, iterations < getattr(made, "max_iter", iterations + 1))
