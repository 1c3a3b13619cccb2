"""Answers for a test set whose classes have other shares than the training set's."""

import numpy as np
from numpy.typing import NDArray

from analysis.ensembles.blends import Floats
from analysis.matching.label_shift import Shares

LEAST_SHARE = 1e-3  # an estimate of none at all is a guess too: no class is ruled out


def prior_offsets(probabilities: Floats, prior: Shares) -> NDArray[np.float64]:
    """What to add to log-probabilities (n, C) so that their classes have the shares `prior` (C,) instead: (C,).

    log prior - log of the mean probability, the prior that the blend itself believes in: that of a network trained with
    class weights or focal loss is not the training set's. Assumes p(image | class) is the same in both sets.
    Saerens, Latinne, Decaestecker: Adjusting the outputs of a classifier to new a priori probabilities (2002);
    the mean prediction as its own prior: Alexandari, Kundaje, Shrikumar: Maximum Likelihood with Bias-Corrected
    Calibration is Hard-To-Beat at Label Shift Adaptation (ICML 2020).
    """
    believed = probabilities.mean(0, dtype=np.float64)
    return np.log(np.maximum(prior, LEAST_SHARE)) - np.log(np.maximum(believed, LEAST_SHARE))
