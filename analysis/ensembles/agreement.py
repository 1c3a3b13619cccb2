"""How often members give the same answer: what differs can be averaged away, what is alike adds nothing."""

import numpy as np
from numpy.typing import NDArray


def agreement(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of images that two members answer alike, (M, M) from labels (M, n); 1 on the diagonal."""
    return np.stack([(labels == one).mean(1) for one in labels])
