"""Do wider margins for rarer classes help, and re-weighting once the features are learnt?

Copied from: cosine_head.py, criterion changed: LDAM, weighted by effective numbers from epoch 10 on.
Command:     python -m experiments.ldam_drw --data input/data
Result:      not run yet.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.splits import PersonStratifiedKFold
from data.transforms import flip_shift_colour, resize
from runners.activations import softmax
from runners.cosine_head import cosine_classifier
from runners.criteria import effective_number
from runners.experiment import Experiment
from runners.main import main
from runners.margin_losses import LDAM
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images

EXPERIMENT = Experiment(
    name="ldam_drw",
    parent="cosine_head",
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
        cosine_classifier, backbone="mobilenetv3_small_050", pretrained=None, drop_rate=0.1, logit_scale=16.0
    ),
    freeze_epochs=0,
    criteria={
        "ldam": partial(LDAM, max_margin=0.5),
        "ldam_weighted": partial(LDAM, max_margin=0.5, class_weights=partial(effective_number, beta=0.99)),
    },
    criterion={1: "ldam", 10: "ldam_weighted"},  # deferred re-weighting: the last quarter
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
