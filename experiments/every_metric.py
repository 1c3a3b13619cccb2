"""What do other scores make of the baseline, epoch by epoch?

Copied from: baseline.py, with every metric logged there is: averages of F1, each class, ranks, sets, errors of the age.
Command:     python -m experiments.every_metric --data input/data
Result:      not run yet.
"""

from functools import partial

from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from callbacks.label_sets import samples_f1, samples_precision, samples_recall
from callbacks.metrics import counts, f1, micro_f1, precision, recall, weighted_f1, weighted_precision, weighted_recall
from callbacks.ranking import average_precision, ndcg, reciprocal_rank
from callbacks.regression import absolute_error, squared_error
from callbacks.roc import class_roc_auc, roc_auc
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
AGES = (23.5, 44.5, 60.0) * 6  # of each class, in years: the middles of 18..29 and 30..59, and 60

EXPERIMENT = Experiment(
    name="every_metric",
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
        flip_shift_colour, size=SIZE, flip=0.5, shift=0.05, scale=0.1, rotate=8, brightness=0.15, contrast=0.15
    ),
    mix=None,
    valid_transform=partial(resize, size=SIZE),
    metrics={
        "micro": micro_f1,
        "weighted": weighted_f1,
        "weighted_precision": weighted_precision,
        "weighted_recall": weighted_recall,
        "samples": partial(samples_f1, threshold=0.5),
        "samples_precision": partial(samples_precision, threshold=0.5),
        "samples_recall": partial(samples_recall, threshold=0.5),
        "precision_of": precision,  # each class
        "recall_of": recall,
        "f1_of": f1,
        "counts": counts,  # the confusion matrix
        "auc": roc_auc,  # macro, one-vs-rest
        "auc_of": class_roc_auc,
        "mrr": reciprocal_rank,
        "map3": partial(average_precision, k=3),
        "ndcg3": partial(ndcg, k=3),
        "age_error": partial(absolute_error, values=AGES),
        "age_squared_error": partial(squared_error, values=AGES),
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
