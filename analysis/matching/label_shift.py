"""Class shares of the test set, estimated without its answers: from out-of-fold confusion and test predictions."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from data.errors import DataError

Labels = NDArray[np.int64]
Shares = NDArray[np.float64]


def bbse_prior(targets: Labels, labels: Labels, test_labels: Labels, class_count: int) -> Shares:
    """Black-box shift estimation of the test set's class shares (C,), all runs' equations solved at once.

    targets (N,); labels (E, N) out-of-fold and test_labels (E, M) of the same E runs. Solves, for weights w >= 0 of
    the classes, joint[run, predicted, true] @ w = share of each prediction on the test set, by non-negative least
    squares. Assumes p(image | class) is the same in both sets.
    Source: Lipton, Wang, Smola: Detecting and correcting for label shift with black box predictors, ICML 2018.
    """
    joint = joint_counts(targets, labels, class_count) / targets.size                       # (E, predicted, true)
    predicted = prediction_counts(test_labels, class_count) / test_labels.shape[1]          # (E, predicted)
    weights, _ = nnls(joint.reshape(-1, class_count), predicted.ravel())
    shares = weights * class_shares(targets, class_count)
    return shares / shares.sum() if shares.any() else class_shares(targets, class_count)


def em_prior(
    targets: Labels, labels: Labels, test_labels: Labels, class_count: int,
    *, tolerance: float = 1e-9, most_steps: int = 5_000,
) -> Shares:
    """The same shares (C,) by maximum likelihood: expectation and maximisation until no share moves by `tolerance`.

    Arguments and assumption as for :func:`bbse_prior`; the posteriors are those of the out-of-fold confusion, so labels
    suffice and no probability needs to be calibrated. The likelihoods of the runs are multiplied.
    Source: Saerens, Latinne, Decaestecker: Adjusting the outputs of a classifier to new a priori probabilities,
    Neural Computation 14, 2002.
    """
    joint = joint_counts(targets, labels, class_count)
    likelihood = joint / np.maximum(joint.sum(1, keepdims=True), 1)                         # p(predicted | true)
    seen = joint.sum(2) > 0                                                                 # (E, predicted)
    predicted = prediction_counts(test_labels, class_count) * seen
    shares = class_shares(targets, class_count)
    if not predicted.any():
        return shares
    # The start decides nothing but the number of steps; half of it is the training shares, for a 0 would stay 0.
    shares = (shares + bbse_prior(targets, labels, test_labels, class_count)) / 2
    for _ in range(most_steps):
        posterior = likelihood * shares
        posterior /= np.maximum(posterior.sum(2, keepdims=True), np.finfo(float).tiny)
        expected = np.einsum("ep,ept->t", predicted, posterior)
        previous, shares = shares, expected / expected.sum()
        if np.abs(shares - previous).max() < tolerance:
            break
    return shares


def label_weights(targets: Labels, prior: Shares) -> NDArray[np.float64]:
    """Weight of each image (N,), mean 1, under which the classes have the shares `prior` (C,).

    Shares of classes that no image has are spread over the others. Raises DataError where no other has any.
    """
    train = class_shares(targets, len(prior))
    weights = (prior / np.where(train > 0, train, np.inf))[targets]
    if not weights.any():
        raise DataError("prior: no class of the training images has a share above 0, so they cannot be weighted to it.")
    return weights / weights.mean()


def class_shares(targets: Labels, class_count: int) -> Shares:
    """Share of each class among the images, (C,)."""
    return np.bincount(targets, minlength=class_count) / targets.size


def joint_counts(targets: Labels, labels: Labels, class_count: int) -> NDArray[np.float64]:
    """Images of each run by predicted and true class, (E, C, C)."""
    cells = labels * class_count + targets
    counts = [np.bincount(run, minlength=class_count**2).reshape(class_count, class_count) for run in cells]
    return np.stack(counts).astype(np.float64)


def prediction_counts(labels: Labels, class_count: int) -> NDArray[np.float64]:
    """Images of each run by predicted class, (E, C)."""
    return np.stack([np.bincount(run, minlength=class_count) for run in labels]).astype(np.float64)
