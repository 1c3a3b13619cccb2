"""Does soft F1 help beside cross entropy, in one sum, rather than after it?

Copied from: baseline.py, a second criterion added with half the weight.
Command:     python -m experiments.loss_sum --data input/data
Result:      not run yet.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.criteria import CrossEntropy, SoftF1
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.search.search_space import Uniform
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images

EXPERIMENT = Experiment(
    name="loss_sum",
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
    criteria={"cross_entropy": partial(CrossEntropy), "soft_f1": partial(SoftF1)},
    criterion={"cross_entropy": 1.0, "soft_f1": 0.5},
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

SEARCH = {  # what `python -m experiments tune loss_sum` varies: cross entropy weighs 1
    "criterion.soft_f1": Uniform(0.1, 2.0),
}

if __name__ == "__main__":
    main(EXPERIMENT)
