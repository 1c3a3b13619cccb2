"""The declaration of a run whose network costs next to nothing, for benchmarks of all that is around a network."""

from functools import partial

import torch
from torch import nn
from torch.optim import AdamW

from data.splits import PersonStratifiedKFold
from data.transforms import resize
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.views import identity

FOLDS = 5


class SmallNetwork(nn.Module):
    """The mean colours of a 4 x 4 grid and one linear layer: (B, H, W, 3) images of 0..255 in, (B, C) logits out."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.grid = nn.AdaptiveAvgPool2d(4)
        self.head = nn.Linear(4 * 4 * 3, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of images."""
        pixels = images.permute(0, 3, 1, 2).float() / 255  # (B, 3, H, W)
        logits: torch.Tensor = self.head(self.grid(pixels).flatten(1))
        return logits


def small_network(*, num_classes: int) -> SmallNetwork:
    """The network as a declaration names it."""
    return SmallNetwork(num_classes)


def small_experiment(name: str, size: tuple[int, int], *, epochs: int, batch_size: int) -> Experiment:
    """Five folds by person of the small network on images of `size` (H, W), without augmentation."""
    return Experiment(
        name=name,
        parent=None,
        seed=42,
        split=partial(PersonStratifiedKFold, folds=FOLDS),
        corrections=None,
        extra_data=(),
        age_boundary=None,
        epochs=epochs,
        batch_size=batch_size,
        accumulate=1,
        clip_norm=None,
        model=partial(small_network),
        freeze_epochs=0,
        criteria={"cross_entropy": partial(CrossEntropy)},
        criterion="cross_entropy",
        parameters=None,
        optimizer=partial(AdamW, lr=1e-3, weight_decay=1e-2),
        scheduler=None,
        schedule_every="epoch",
        sampler=None,
        train_transform=partial(resize, size=size),
        mix=None,
        valid_transform=partial(resize, size=size),
        metrics={},
        monitor=("f1", "max"),
        patience=epochs,
        average=None,
        precision="no",
        compile=False,
        activation=softmax,
        tta=(identity,),
    )
