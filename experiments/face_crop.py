"""Does the network see age better when it is shown the face alone, larger?

Copied from: baseline.py, both transforms changed: the middle of the image, with CLAHE, colours and holes in training.
Command:     python -m experiments.face_crop --data input/data
Result:      not run yet.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.augmentations import centre_crop, face_cutout
from data.splits import PersonStratifiedKFold
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width
CROP = (0.7, 0.7)  # the middle of both sides, where the face is

EXPERIMENT = Experiment(
    name="face_crop",
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
    sampler=None,
    train_transform=partial(
        face_cutout,
        size=SIZE,
        crop=CROP,
        flip=0.5,
        shift=0.05,
        scale=0.1,
        rotate=8,
        brightness=0.15,
        contrast=0.15,
        hue=5,
        saturation=15,
        clahe=0.3,
        cutout=0.3,
        cutout_side=0.25,
    ),
    mix=None,
    valid_transform=partial(centre_crop, size=SIZE, crop=CROP),
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
