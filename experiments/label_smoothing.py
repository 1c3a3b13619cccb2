"""Do softer targets keep the network from being sure of wrong ages near a bucket's border?

Copied from: baseline.py, criterion changed.
Command:     python -m experiments.label_smoothing --data input/data
Result:      on the sample, out-of-fold F1 .373 (folds .357 +- .051), -.058 (95 % -.113 +.001) on the baseline: just
             not told apart. With tied augmentation (docs/toolkit.md) .409, public leaderboard .485, private .436; on
             82 real people with drawn masks .323, worse than the baseline (-.062, -.118 to -.011).
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import LabelSmoothing
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.search.search_space import LogUniform, Uniform
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images

EXPERIMENT = Experiment(
    name="label_smoothing",
    parent="baseline",
    seed=42,
    split=partial(PersonStratifiedKFold, folds=5),
    corrections=None,
    extra_data=(),
    age_boundary=None,
    epochs=EPOCHS,
    batch_size=16,
    accumulate=1,  # 16 images an optimizer step
    clip_norm=1.0,
    model=partial(timm_classifier, backbone="mobilenetv3_small_050", pretrained=None, drop_rate=0.1),
    freeze_epochs=0,
    criteria={"label_smoothing": partial(LabelSmoothing, smoothing=0.1)},
    criterion="label_smoothing",
    parameters=None,
    optimizer=partial(AdamW, lr=3e-3, weight_decay=2e-2),
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
    patience=6,
    average=None,
    precision="no",
    compile=False,
    activation=softmax,
    tta=(identity, hflip),
)

SEARCH = {  # what `python -m experiments tune label_smoothing` varies
    "optimizer.lr": LogUniform(1e-3, 1e-2),
    "criteria.label_smoothing.smoothing": Uniform(0.0, 0.3),
}

if __name__ == "__main__":
    main(EXPERIMENT)
