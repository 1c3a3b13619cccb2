"""The correction is Bayes' rule with another prior."""

import numpy as np
import pytest

from analysis.ensembles.blends import softmax
from analysis.ensembles.prior_correction import LEAST_SHARE, prior_offsets


def test_posteriors_of_one_prior_become_those_of_another() -> None:
    """Classes are bells on a line: both posteriors are known."""
    rng = np.random.default_rng(0)
    old, new, centres = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5]), np.array([-1.0, 0.0, 1.5])
    targets = rng.choice(3, 200_000, p=old)
    seen = rng.normal(centres[targets])[:, None]
    likelihood = np.exp(-((seen - centres) ** 2) / 2)
    posterior = likelihood * old / (likelihood * old).sum(1, keepdims=True)
    expected = likelihood * new / (likelihood * new).sum(1, keepdims=True)
    np.testing.assert_allclose(softmax(np.log(posterior) + prior_offsets(posterior, new)), expected, atol=0.01)
    np.testing.assert_allclose(prior_offsets(posterior, posterior.mean(0)), 0, atol=1e-12)


def test_a_class_estimated_to_be_absent_is_not_ruled_out() -> None:
    offsets = prior_offsets(np.full((10, 2), 0.5, np.float32), np.array([1.0, 0.0]))
    assert offsets.tolist() == pytest.approx([np.log(2), np.log(LEAST_SHARE / 0.5)])
