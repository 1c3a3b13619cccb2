"""Does heavy augmentation help where there are few people to learn from?

Copied from: baseline.py, train_transform changed: random parts of the image, colours, blur, noise and holes.
Command:     python -m experiments.heavy_augmentation --data input/data
Result:      not run yet.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from data.augmentations import crop_blur_cutout
from data.splits import PersonStratifiedKFold
from data.transforms import resize
from runners.activations import softmax
from runners.criteria import CrossEntropy
from runners.experiment import Experiment
from runners.main import main
from runners.models import timm_classifier
from runners.views import hflip, identity

EPOCHS = 12
SIZE = (128, 96)  # height, width: a quarter of the competition's images

EXPERIMENT = Experiment(
    name="heavy_augmentation",
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
        crop_blur_cutout,
        size=SIZE,
        crop=0.75,  # the smallest part, of the sides
        flip=0.5,
        rotate=15,
        brightness=0.3,
        contrast=0.3,
        hue=10,
        saturation=30,
        clahe=0.3,
        blur=0.3,
        noise=0.3,
        cutout=0.5,
        cutout_side=0.3,
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
