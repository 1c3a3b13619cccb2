"""Does the whole path work on this machine, in under a minute?

Copied from: baseline.py, with a network of 0.3 million weights, two folds, two epochs and small images.
Command:     python -m experiments.smoke
Result:      says nothing about the data: it only has to finish.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import identity

EPOCHS = 2
SIZE = (64, 48)

EXPERIMENT = Experiment(
    name="smoke",
    parent="baseline",
    seed=42,
    split=partial(PersonStratifiedKFold, folds=2),
    corrections=None,
    extra_data=(),
    age_boundary=None,
    epochs=EPOCHS,
    batch_size=16,
    accumulate=2,
    clip_norm=1.0,
    model=partial(timm_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0),
    freeze_epochs=0,
    criteria={"cross_entropy": partial(CrossEntropy)},
    criterion="cross_entropy",
    parameters=None,
    optimizer=partial(AdamW, lr=2e-3, weight_decay=2e-2),
    scheduler=partial(CosineAnnealingLR, T_max=EPOCHS),
    schedule_every="epoch",
    sampler=None,
    train_transform=partial(
        flip_shift_colour, size=SIZE, flip=0.5, shift=0.05, scale=0.1, rotate=8, brightness=0.15, contrast=0.15
    ),
    mix=None,
    valid_transform=partial(resize, size=SIZE),
    metrics={},
    monitor=("f1", "max"),
    patience=2,
    average=None,
    precision="no",
    compile=False,
    activation=softmax,
    tta=(identity,),
)

if __name__ == "__main__":
    main(EXPERIMENT)
