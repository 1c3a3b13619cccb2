"""Do three heads (mask, gender, age) on a pretrained backbone beat one of eighteen?

Copied from: pretrained_baseline.py, a head for each factor.
Command:     python -m experiments.pretrained_three_heads --data input/data
Result:      on 82 real people with drawn masks, out-of-fold F1 .531 (folds .513 +- .078), -.043 (-.106 +.019) on
             pretrained_baseline: not told apart, and no gain for age, .579 after .633.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.factor_models import factor_heads
from runners.main import main
from runners.views import hflip, identity

EPOCHS = 8
SIZE = (192, 144)

EXPERIMENT = Experiment(
    name="pretrained_three_heads",
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
    model=partial(
        factor_heads, factors=(3, 2, 3), backbone="tf_efficientnet_lite0", pretrained="package", drop_rate=0.2
    ),  # mask state, gender, age bucket
    freeze_epochs=0,
    criteria={"cross_entropy": partial(CrossEntropy)},
    criterion="cross_entropy",
    parameters=None,
    optimizer=partial(AdamW, lr=1e-3, weight_decay=1e-2),
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
