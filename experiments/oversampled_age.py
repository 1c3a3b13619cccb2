"""Do people of 60 and over gain when every age bucket is seen equally often, by repeating the rare ones?

Copied from: baseline.py, a sampler added; an epoch is longer by the repeated images.
Command:     python -m experiments.oversampled_age --data input/data
Result:      on the sample, out-of-fold F1 .589 (folds .571 +- .107), +.158 (95 % +.075 +.234) on the baseline: better,
             and not by age, whose own F1 went from .624 to .642: the mask's went from .772 to .940. An epoch is longer
             by the repeated images, so part of it may be more training. With a pretrained backbone no gain is left
             (pretrained_oversampled_age).
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.balanced_samplers import oversampled
from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images

EXPERIMENT = Experiment(
    name="oversampled_age",
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
    criteria={"cross_entropy": partial(CrossEntropy)},
    criterion="cross_entropy",
    parameters=None,
    optimizer=partial(AdamW, lr=3e-3, weight_decay=2e-2),
    scheduler=partial(CosineAnnealingLR, T_max=EPOCHS),
    schedule_every="epoch",
    sampler=partial(oversampled, by="age", absent="skip"),  # skip: not every data set has people of 60 and over
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
