"""Weights of a mean by constrained optimisation: none negative, their sum 1, the out-of-fold log loss least."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from analysis.ensembles.blends import LEAST_PROBABILITY, Weights, equal_weights
from analysis.run_predictions import Probabilities
from data.errors import DataError

MOST_STEPS = 200
PRECISION = 1e-10  # of the log loss, between two steps
TOLERANCE = 1e-4  # of the log loss found, above the least there is


def simplex_weights(probabilities: Probabilities, targets: NDArray[np.int64]) -> Weights:
    """Weights (M,) >= 0, sum 1, of members' probabilities (M, n, C) for the least mean log loss on targets (n,).

    Macro F1 jumps wherever an answer changes, so no gradient leads through it; log loss is smooth, convex in the
    weights (one optimum), and needs only what each member gave the true class. Sequential least squares with exact
    gradients.
    Source: Kraft: A software package for sequential quadratic programming (1988), as in ``scipy.optimize``.
    """
    members = len(probabilities)
    given = np.maximum(probabilities[:, np.arange(targets.size), targets], LEAST_PROBABILITY)  # (M, n) of the truth
    columns = np.ascontiguousarray(given.T, np.float64)  # (n, M)

    def loss(weights: Weights) -> tuple[float, Weights]:
        blended = columns @ weights  # (n,) all above 0
        return -float(np.log(blended).mean()), -(columns / blended[:, None]).mean(0)

    found = minimize(
        loss,
        equal_weights(members),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1, "jac": np.ones_like},
        options={"maxiter": MOST_STEPS, "ftol": PRECISION},
    )
    weights: Weights = np.clip(found.x, 0, None) / np.clip(found.x, 0, None).sum()
    # Members' probabilities over the blend's, on average: at the optimum none is above 1, and the largest bounds how
    # far the loss is from it. The solver's own flag would refuse optima where rounding stopped its line search.
    excess = float((columns / (columns @ weights)[:, None]).mean(0).max()) - 1
    if not excess < TOLERANCE:
        raise DataError(f"The weights of least log loss were not found ({found.message}); take another method.")
    return weights
