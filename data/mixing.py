"""Batches whose images are mixed two by two, with targets in the same shares: mixup, cutmix, and half-face cutmix.

Each takes images (B, H, W, 3), targets (B, C) that sum to 1, and a generator; every image draws for itself.
`probability` is an image's chance of being mixed at all; `partners` says with which images of the batch: "any" (a
permutation of it), "same" (others of its class) or "other" (of another class). An image without such a partner stays
as it is.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from data.errors import DataError

Partners = Literal["any", "same", "other"]
Mixed = tuple[torch.Tensor, torch.Tensor]  # images (B, H, W, 3), targets (B, C)


@dataclass(frozen=True, kw_only=True)
class Mixup:
    """Weighted means of two images, weights drawn from Beta(alpha, alpha) (Zhang et al. 2018, mixup).

    Images become float32: means of 0..255 are no whole numbers.
    """

    alpha: float
    probability: float
    partners: Partners

    def __post_init__(self) -> None:
        _check(self.probability, self.partners, self.alpha)

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> Mixed:
        """Mixed images and targets."""
        partner, chosen = _pairs(targets, self.probability, self.partners, rng)
        share = np.where(chosen, rng.beta(self.alpha, self.alpha, len(images)), 1.0)  # (B,) of the image itself
        kept = torch.from_numpy(share).to(images.device, torch.float32)
        whole = images.float()
        other = whole[torch.from_numpy(partner).to(images.device)]
        return torch.lerp(other, whole, kept[:, None, None, None]), _mixed_targets(targets, partner, share)


@dataclass(frozen=True, kw_only=True)
class CutMix:
    """A box of another image pasted in, its area drawn from Beta(alpha, alpha) (Yun et al. 2019, CutMix).

    A box that reaches over the border is cut there; targets take the shares of the pixels that are really shown.
    """

    alpha: float
    probability: float
    partners: Partners

    def __post_init__(self) -> None:
        _check(self.probability, self.partners, self.alpha)

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> Mixed:
        """Mixed images and targets."""
        batch, height, width, _ = images.shape
        partner, chosen = _pairs(targets, self.probability, self.partners, rng)
        side = np.sqrt(1 - rng.beta(self.alpha, self.alpha, batch))  # (B,) of the box, as a share of the image's
        rows = _interval(rng.integers(height, size=batch), side * chosen, height)  # (B, H)
        columns = _interval(rng.integers(width, size=batch), side * chosen, width)  # (B, W)
        return _pasted(images, targets, partner, rows[:, :, None] & columns[:, None, :])


@dataclass(frozen=True, kw_only=True)
class HalfFaceCutMix:
    """One half of the face, left or right, is another image's: cutmix for pictures whose faces stand in the middle.

    Each half keeps its place, so that two half faces make one.
    """

    probability: float
    partners: Partners

    def __post_init__(self) -> None:
        _check(self.probability, self.partners)

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> Mixed:
        """Mixed images and targets."""
        batch, height, width, _ = images.shape
        partner, chosen = _pairs(targets, self.probability, self.partners, rng)
        left = rng.random(batch) < 0.5  # (B,) which half is pasted
        columns = (np.arange(width) < width // 2) == left[:, None]  # (B, W)
        pasted = np.broadcast_to((columns & chosen[:, None])[:, None, :], (batch, height, width))
        return _pasted(images, targets, partner, pasted)


def draw_partners(classes: NDArray[np.int64], partners: Partners, rng: np.random.Generator) -> NDArray[np.int64]:
    """The image (B,) that each image of these classes (B,) is mixed with; itself where no other is allowed."""
    own = np.arange(len(classes))
    if partners == "any":
        return rng.permutation(len(classes))
    alike = classes[:, None] == classes  # (B, B)
    allowed = alike & (own[:, None] != own) if partners == "same" else ~alike
    lots = np.where(allowed, rng.random(allowed.shape), -1.0)
    return np.where(allowed.any(1), lots.argmax(1), own)


def _pairs(
    targets: torch.Tensor, probability: float, partners: Partners, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Each image's partner (B,), and whether it is mixed with it (B,)."""
    classes = targets.argmax(1).cpu().numpy()
    return draw_partners(classes, partners, rng), rng.random(len(targets)) < probability


def _interval(centres: NDArray[np.int64], shares: NDArray[np.float64], length: int) -> NDArray[np.bool_]:
    """Which of `length` places lie in an interval about each centre (B,), that share of the length: (B, length)."""
    half = (length * shares).astype(np.int64)[:, None] // 2
    place = np.arange(length)
    return (place >= centres[:, None] - half) & (place < centres[:, None] + half)


def _pasted(
    images: torch.Tensor, targets: torch.Tensor, partner: NDArray[np.int64], pasted: NDArray[np.bool_]
) -> Mixed:
    """Images with the partners' pixels where `pasted` (B, H, W)."""
    where = torch.from_numpy(np.array(pasted)).to(images.device)[..., None]  # (B, H, W, 1)
    other = images[torch.from_numpy(partner).to(images.device)]
    return torch.where(where, other, images), _mixed_targets(targets, partner, 1 - pasted.mean((1, 2)))


def _mixed_targets(targets: torch.Tensor, partner: NDArray[np.int64], share: NDArray[np.float64]) -> torch.Tensor:
    kept = torch.from_numpy(share).to(targets.device, targets.dtype)[:, None]  # (B, 1)
    return torch.lerp(targets[torch.from_numpy(partner).to(targets.device)], targets, kept)


def _check(probability: float, partners: str, alpha: float = 1.0) -> None:
    if not 0 < probability <= 1:
        raise DataError(f"mix has probability={probability!r}: a number above 0, up to 1, would be right.")
    if partners not in ("any", "same", "other"):
        raise DataError(f'mix has partners={partners!r}: "any", "same" or "other" would be right.')
    if not (alpha > 0 and math.isfinite(alpha)):
        raise DataError(f"mix has alpha={alpha!r}: a number above 0 would be right.")
