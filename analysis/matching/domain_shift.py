"""Weights that make the training images look like the test images: a classifier that tells the two sets apart."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_COMPONENTS = 32        # of the features: all of a network's 1,280 would fit the noise
SMALLEST_VARIANCE = 1e-5    # of a component, as a share of the largest: less is rounding
LARGEST_QUANTILE = 0.995    # larger weights are cut to this quantile, so that no single person decides the score
RIDGE = 1.0                 # penalty on squared coefficients: scikit-learn's LogisticRegression(C=1)
NEWTON_STEPS = 50


def domain_weights(
    features: Floats, person_of_image: NDArray[np.int64], test_features: Floats, *, folds: int = 5, seed: int = 0
) -> Floats:
    """Weight of each training image (N,), mean 1: p(test | image) / p(train | image), equal within a person.

    features (N, K), test_features (M, K): of the same network, few and of unit variance, as
    :func:`principal_components` makes them. A logistic regression is fitted on the other persons' images, so no person
    is weighted by a classifier that has seen them. The log-odds are averaged over a person's images: the noise is the
    image's, the shift is the person's.
    Source: Shimodaira, J. Statistical Planning and Inference 90, 2000 (the weights); Bickel, Brueckner, Scheffer, JMLR
    10, 2009 (their estimation by a classifier).
    """
    person_count = 1 + int(person_of_image.max())
    fold_of_person = np.random.default_rng([seed, person_count]).permutation(person_count) % min(folds, person_count)
    fold = fold_of_person[person_of_image]
    log_odds = np.empty(len(features))
    for held_out in range(fold.max() + 1):
        train = features[fold != held_out]
        intercept, coefficients = logistic_regression(np.concatenate((train, test_features)), len(train))
        log_odds[fold == held_out] = intercept + features[fold == held_out] @ coefficients
    person_log_odds = np.bincount(person_of_image, log_odds) / np.bincount(person_of_image)
    weights = np.exp(person_log_odds - person_log_odds.max())[person_of_image]
    weights = np.minimum(weights, np.quantile(weights, LARGEST_QUANTILE))
    return weights / weights.mean()


def logistic_regression(rows: Floats, negatives: int) -> tuple[float, Floats]:
    """Intercept and coefficients (K,) that tell the first `negatives` of rows (n, K) from the others.

    Minimises the log loss + RIDGE / 2 x squared coefficients, by Newton's method; a step that does not help is halved.
    """
    design = np.column_stack((np.ones(len(rows)), rows))
    positive = (np.arange(len(rows)) >= negatives).astype(np.float64)
    ridge = np.full(design.shape[1], RIDGE)
    ridge[0] = 0
    beta = np.zeros(design.shape[1])

    def loss(at: Floats) -> float:
        margin = design @ at
        return float(np.logaddexp(0, margin).sum() - margin @ positive + 0.5 * ridge @ at**2)

    current = loss(beta)
    for _ in range(NEWTON_STEPS):
        chance = 0.5 * (1 + np.tanh(0.5 * (design @ beta)))                     # logistic, without overflow
        gradient = design.T @ (chance - positive) + ridge * beta
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        while (lowered := loss(beta - step)) > current and np.abs(step).max() > 1e-12:
            step /= 2
        beta, gained, current = beta - step, current - lowered, lowered
        if gained <= 1e-10 * max(1.0, abs(current)):
            break
    return float(beta[0]), beta[1:]


def principal_components(
    features: NDArray[np.floating], test_features: NDArray[np.floating], most: int = MOST_COMPONENTS
) -> tuple[Floats, Floats]:
    """Both sets on the leading principal components, at most `most`, of their standardised union: (N, K), (M, K).

    Components have mean 0 and variance 1 over the union; columns that never change are dropped, K = 0 if all are.
    float32 features are reduced as they are: a network's take gigabytes.
    """
    union = np.concatenate((features, test_features))
    union = union[:, union.max(0) > union.min(0)].astype(np.result_type(union, np.float32))
    if union.shape[1] == 0:
        return np.empty((len(features), 0)), np.empty((len(test_features), 0))
    union -= union.mean(0)
    union /= union.std(0)
    variances, directions = np.linalg.eigh(union.T @ union / len(union))        # ascending
    kept = np.flatnonzero(variances > SMALLEST_VARIANCE * variances[-1])[-most:]
    components = (union @ (directions[:, kept] / np.sqrt(variances[kept]))).astype(np.float64)
    return components[: len(features)], components[len(features) :]
