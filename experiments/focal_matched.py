"""Does validating on the persons that match the leaderboard pick the better epoch?

Copied from: focal_kfold.py, split changed: one fold, whose persons `python -m experiments match` chose.
Command:     python -m experiments match && python -m experiments.focal_matched --data input/data
Result:      with tied augmentation (docs/toolkit.md), on the sample, F1 .452 on the 28 matched persons, public .398,
             private .341: a network trained on 112 persons is no match for five folds averaged (focal_kfold: .563,
             .481); nothing says its epoch was better.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.splits import PersonSplit
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import FocalLoss
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images

EXPERIMENT = Experiment(
    name="focal_matched",
    parent="focal_kfold",
    seed=42,
    split=partial(PersonSplit.from_csv, path="splits/matched.csv"),
    corrections=None,
    extra_data=(),
    age_boundary=None,
    epochs=EPOCHS,
    batch_size=16,
    accumulate=1,  # 16 images an optimizer step
    clip_norm=1.0,
    model=partial(timm_classifier, backbone="mobilenetv3_small_050", pretrained=None, drop_rate=0.1),
    freeze_epochs=0,
    criteria={"focal": partial(FocalLoss, gamma=2.0)},
    criterion="focal",
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

if __name__ == "__main__":
    main(EXPERIMENT)
