"""Judged images made by hand or drawn at random, without a run on disk."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike

from analysis.mistakes.judged_images import JudgedImages
from data.labels import CLASS_NAMES, STEM_TO_MASK

Judge = Callable[..., JudgedImages]
STEMS = tuple(STEM_TO_MASK)


@pytest.fixture(scope="session")
def judge() -> Judge:
    """judge(targets, probabilities): persons of seven images each, in the mask competition's names, unless told."""

    def make(
        targets: ArrayLike,
        probabilities: ArrayLike,
        persons: Sequence[str] | None = None,
        class_names: Sequence[str] = CLASS_NAMES,
    ) -> JudgedImages:
        chosen = np.asarray(targets, np.int64)
        numbers = np.arange(len(chosen))
        owners = persons or [f"{number // 7:06d}_male_Asian_25" for number in numbers]
        ids = [f"{owner}/{STEMS[number % 7]}.jpg" for owner, number in zip(owners, numbers, strict=True)]
        return JudgedImages(
            image_ids=np.array(ids),
            paths=np.array([f"train/images/{image}" for image in ids]),
            persons=np.array(owners),
            targets=chosen,
            probabilities=np.asarray(probabilities, np.float32),
            class_names=tuple(class_names),
        )

    return make


@pytest.fixture(scope="session")
def random_judged(judge: Judge) -> Callable[..., JudgedImages]:
    """random_judged(seed, images, classes): targets drawn, probabilities that favour them."""

    def make(seed: int, images: int = 70, classes: int = 18) -> JudgedImages:
        rng = np.random.default_rng(seed)
        targets = rng.integers(0, classes, images)
        logits = rng.normal(size=(images, classes)) + 1.5 * np.eye(classes)[targets]
        probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        names = CLASS_NAMES if classes == 18 else [f"c{number}" for number in range(classes)]
        return judge(targets, probabilities, None, names)

    return make
