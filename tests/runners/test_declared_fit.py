from functools import partial

import pytest
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

from callbacks.average import EMA, SWA
from callbacks.soup import GreedySoup
from data.errors import DataError
from data.whole_train_set import WholeTrainSet
from runners.declared_fit import check_final_fit
from runners.models import timm_classifier
from runners.schedulers import warm_up

FIT = partial(WholeTrainSet, fits=1, epochs_of=None)
TIMM = partial(timm_classifier, backbone="test_resnet", pretrained="package", drop_rate=0.0)
PLATEAU = partial(ReduceLROnPlateau, mode="max", factor=0.5, patience=1)


def test_what_needs_no_validation_is_accepted(declare) -> None:
    check_final_fit(declare(split=FIT), 3)
    check_final_fit(declare(split=FIT, average=partial(EMA, decay=0.9, warmup=1), criterion="ce"), 1)
    check_final_fit(declare(split=FIT, average=partial(SWA, start=2), criterion={1: "ce", 2: "f1"}), 2)
    check_final_fit(declare(split=FIT, freeze_epochs=3, model=TIMM), 3)  # frozen all along, as declared
    check_final_fit(declare(scheduler=PLATEAU, average=partial(GreedySoup, epochs=2)), 3)  # it has folds


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheduler": PLATEAU}, "split is WholeTrainSet, .* and scheduler is ReduceLROnPlateau"),
        (
            {"scheduler": partial(warm_up, share=0.3, start_factor=0.1, then=PLATEAU)},
            "split is WholeTrainSet, .* and scheduler is ReduceLROnPlateau",
        ),
        ({"average": partial(GreedySoup, epochs=2)}, "split is WholeTrainSet, .* and average is GreedySoup"),
        ({"average": partial(SWA, start=3)}, "split's epochs_of found 2 epochs, and average is SWA from epoch 3 on"),
        ({"criterion": {1: "ce", 3: "f1"}}, "split's epochs_of found 2 epochs, and criterion switches at epoch 3"),
        ({"freeze_epochs": 2, "model": TIMM}, "split's epochs_of found 2 epochs, and freeze_epochs is 2"),
    ],
)
def test_what_waits_for_a_score_is_refused_naming_both_fields(declare, changes: dict, said: str) -> None:
    experiment = declare(split=FIT, **{"criterion": "ce", "scheduler": partial(CosineAnnealingLR, T_max=3), **changes})
    with pytest.raises(DataError, match=f"^{said}.* would be right.$"):
        check_final_fit(experiment, 2)
