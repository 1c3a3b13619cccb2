"""What the network sees of an experiment: its training batch, one image drawn again and again, validation and TTA."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from callbacks.mix import mixed_batch
from data.datasets import Batch
from data.metadata import ImageData
from runners.experiment import Experiment, build
from runners.fold_loaders import make_loaders, still_loader
from runners.fold_rows import Fold
from runners.refusals import unwritten_fold
from runners.sources import NOTHING, Sources

TILES = 8  # a row of the sheet
BATCH_TILES = 2 * TILES
_GOLDEN = 0.5 * (5**0.5 - 1)
_SMALLEST_SHARE = 0.005  # of a target that is worth a line


@dataclass(frozen=True)
class Strip:
    """Images of one kind with their heading; each (H, W, 3) uint8 with the lines below it."""

    heading: str
    remark: str
    images: Sequence[NDArray[np.uint8]]
    captions: Sequence[tuple[str, ...]]


def preview_strips(
    experiment: Experiment, data: ImageData, folds: NDArray[np.int64], epoch: int, sources: Sources = NOTHING
) -> list[Strip]:
    """The strips of an experiment's first fold in an epoch, counted from 1; folds (N,) validates each training image.

    Made by the loaders, the sampler and the mixing that a run would use, with their seeds: these are its pixels. A
    final fit validates nothing: its training images stand in for validation's.
    """
    fold = unwritten_fold(experiment, data, folds, 0, sources)
    loaders = make_loaders(fold)
    train = loaders["train"].dataset
    valid = (still_loader(fold, fold.train) if fold.unvalidated else loaders["valid"]).dataset
    fold.sampler.set_epoch(epoch)
    keys = list(fold.sampler)
    batch = train.__getitems__(keys[: experiment.batch_size])
    again = train.__getitems__([(epoch + draw, keys[0][1]) for draw in range(TILES)])
    spread = np.unique((np.arange(TILES) * _GOLDEN % 1 * len(valid)).astype(int))  # all over the table, in no step
    seen = valid.__getitems__([(0, int(position)) for position in spread])
    names = data.class_names
    return [
        _training(fold, batch, keys, epoch),
        _strip(
            "The same image in one epoch after another",
            f"{_target_lines(again['targets'][0], names)[0]}; train_transform {_told(experiment.train_transform)}",
            again,
            [(f"epoch {epoch + draw}",) for draw in range(TILES)],
        ),
        _strip(
            "As in prediction" if fold.unvalidated else "Validation",
            f"valid_transform {_told(experiment.valid_transform)}, {len(valid):,} images of {fold.title}",
            seen,
            [_target_lines(target, names) for target in seen["targets"]],
        ),
        _views(experiment, seen["features"][:1]),
    ]


def _training(fold: Fold, batch: Batch, keys: Sequence[tuple[int, int]], epoch: int) -> Strip:
    experiment, images = fold.experiment, len({position for _, position in keys})
    if experiment.mix:
        batch = mixed_batch(build("mix", experiment.mix), batch, fold.classes, (experiment.seed, fold.number, epoch, 1))
    shown = {name: values[:BATCH_TILES] for name, values in batch.items()}
    drawn = f"no sampler: an epoch takes each of the {len(keys):,} training images once"
    if experiment.sampler:
        drawn = (
            f"{_told(experiment.sampler)}: {len(keys):,} draws, of {images:,} of {len(fold.train):,} training images"
        )
    return _strip(
        f"Training: {len(shown['targets'])} of the {len(batch['targets'])} images of batch 1, epoch {epoch}",
        f"{drawn}; {f'mix {_told(experiment.mix)}' if experiment.mix else 'no mixing'}",
        shown,
        [_target_lines(target, fold.data.class_names) for target in shown["targets"]],
    )


def _views(experiment: Experiment, image: torch.Tensor) -> Strip:
    """The first validation image (1, H, W, 3) as every view of `tta` shows it."""
    pixels, captions = [], []
    for position, view in enumerate(experiment.tta):
        seen = build(f"tta[{position}]", partial(view), image)
        pixels.append(_pixels(seen)[0])
        captions.append((*_view_lines(view), f"{seen.shape[1]}x{seen.shape[2]}"))
    return Strip("Test-time views of the first of them", "tta: probabilities of all are averaged", pixels, captions)


def _strip(heading: str, remark: str, batch: Batch, captions: Sequence[tuple[str, ...]]) -> Strip:
    height, width = batch["features"].shape[1:3]
    return Strip(f"{heading}, {height}x{width} pixels", remark, list(_pixels(batch["features"])), captions)


def _pixels(images: torch.Tensor) -> NDArray[np.uint8]:
    """Images (B, H, W, 3) as they can be drawn: mixed ones and resized ones are no whole numbers."""
    pixels: NDArray[np.uint8] = images.float().round().clamp(0, 255).to(torch.uint8).numpy()
    return pixels


def _target_lines(target: torch.Tensor, names: Sequence[str]) -> tuple[str, ...]:
    """A hard target () by name, a soft one (C,) by its shares, the largest first."""
    if target.ndim == 0:
        return (names[int(target)],)
    order = target.argsort(descending=True, stable=True).tolist()
    return tuple(f"{target[c]:.0%} {names[c]}" for c in order if target[c] >= _SMALLEST_SHARE)


def _told(factory: "partial[Any]") -> str:
    """A factory as it is declared, without sizes: those are shown."""
    declared = [f"{name}={value}" for name, value in factory.keywords.items() if name != "size"]
    return str(factory.func.__qualname__) + (f"({', '.join(declared)})" if declared else "")


def _view_lines(view: Any) -> tuple[str, ...]:
    if not isinstance(view, partial):
        return (str(getattr(view, "__qualname__", view)),)
    declared = ", ".join(f"{name} {value}" for name, value in view.keywords.items())
    return str(view.func.__qualname__), declared
