"""Does a pretrained network gain when every age bucket is seen equally often?

Copied from: pretrained_baseline.py, a sampler added; an epoch is longer by the repeated images.
Command:     python -m experiments.pretrained_oversampled_age --data input/data
Result:      on 82 real people with drawn masks, out-of-fold F1 .570 (folds .560 +- .069), -.004 (-.080 +.070) on
             pretrained_baseline: not told apart. Age by itself got worse, .586 after .633.
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

EPOCHS = 8
SIZE = (192, 144)

EXPERIMENT = Experiment(
    name="pretrained_oversampled_age",
    parent="pretrained_baseline",
    seed=42,
    split=partial(PersonStratifiedKFold, folds=5),
    corrections=None,
    extra_data=(),
    age_boundary=None,
    epochs=EPOCHS,
    batch_size=16,
    accumulate=2,  # 16 * 2 = 32 images an optimizer step
    clip_norm=1.0,
    model=partial(timm_classifier, backbone="tf_efficientnet_lite0", pretrained="package", drop_rate=0.2),
    freeze_epochs=0,
    criteria={"cross_entropy": partial(CrossEntropy)},
    criterion="cross_entropy",
    parameters=None,
    optimizer=partial(AdamW, lr=1e-3, weight_decay=1e-2),
    scheduler=partial(CosineAnnealingLR, T_max=EPOCHS),
    schedule_every="epoch",
    sampler=partial(oversampled, by="age", absent="skip"),
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
