"""Does an age learnt in years say more about its bucket than three buckets learnt as classes?

Copied from: three_heads.py, the head for age gives years, learnt with the mean squared error; its error is logged.
Command:     python -m experiments.age_regression --data input/data
Result:      not run yet.
"""

from functools import partial

from torch.nn.functional import mse_loss
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from callbacks.regression import age_absolute_error, age_squared_error
from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.age_regression import YearsError, age_regression
from runners.experiment import Experiment
from runners.factor_criteria import FactorCrossEntropy
from runners.main import main
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images
AGE_SPREAD = 3.0  # years: how soft the borders of the buckets are about a predicted age

EXPERIMENT = Experiment(
    name="age_regression",
    parent="three_heads",
    seed=42,
    split=partial(PersonStratifiedKFold, folds=5),
    corrections=None,
    extra_data=(),
    age_boundary=None,
    epochs=EPOCHS,
    batch_size=16,
    accumulate=1,  # 16 images an optimizer step
    clip_norm=1.0,
    model=partial(
        age_regression, backbone="mobilenetv3_small_050", pretrained=None, drop_rate=0.1, age_spread=AGE_SPREAD
    ),
    freeze_epochs=0,
    criteria={
        "mask_gender": partial(FactorCrossEntropy, factors=("mask", "gender")),
        "years": partial(YearsError, loss=mse_loss),
    },
    criterion={"mask_gender": 1.0, "years": 0.01},  # an error of 10 years costs as much as a cross entropy of 1
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
    metrics={
        "age_mae": partial(age_absolute_error, age_spread=AGE_SPREAD),  # years
        "age_mse": partial(age_squared_error, age_spread=AGE_SPREAD),
    },
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
