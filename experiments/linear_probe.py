"""What do ImageNet features reach with a linear classifier and no training of the network?

Copied from: pretrained_kfold.py: its backbone, weights, image size, folds and views; scikit-learn fits the head.
Command:     python -m experiments.linear_probe --data input/data
Result:      on 82 real people with drawn masks (12 of 18 classes), out-of-fold F1 .484 (folds .469 +- .053), where
             training the whole network gives pretrained_kfold .574; on the sample .588 (folds .573 +- .080). C and
             class_weight were chosen with these folds in sight (C from .01 up, balanced or not, gave .46 to .49 and
             .53 to .59), so that the numbers are a little too good.
"""

from functools import partial

from sklearn.linear_model import LogisticRegression

from data.splits import PersonStratifiedKFold
from data.transforms import resize
from runners.linear_probe import LinearProbe
from runners.main import main
from runners.models import timm_classifier
from runners.views import hflip, identity

EXPERIMENT = LinearProbe(
    name="linear_probe",
    parent="pretrained_kfold",
    seed=42,
    split=partial(PersonStratifiedKFold, folds=5),
    corrections=None,
    batch_size=32,
    model=partial(timm_classifier, backbone="tf_efficientnet_lite0", pretrained="package", drop_rate=0.0),
    classifier=partial(LogisticRegression, C=0.01, class_weight="balanced", max_iter=1000),
    valid_transform=partial(resize, size=(192, 144)),
    metrics={},
    tta=(identity, hflip),
)

if __name__ == "__main__":
    main(EXPERIMENT)
