from functools import partial

import pytest

from callbacks.average import EMA, SWA
from callbacks.ranking import ndcg
from callbacks.regression import absolute_error
from callbacks.soup import GreedySoup
from data.errors import DataError
from data.reading import read_data
from runners.fast import few_epochs
from runners.precision import check_precision
from runners.refusals import check_scores


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"average": partial(SWA, start=4)}, "average is SWA from epoch 4 on, and epochs is 3: it would never start"),
        (
            {"average": partial(SWA, start=3), "patience": 1},
            "average is SWA from epoch 3 on, and patience 1 may end a fold after epoch 2: patience=2, or an earlier",
        ),
        ({"average": partial(GreedySoup, epochs=4)}, "average is GreedySoup of the best 4 epochs, and epochs is 3"),
        (
            {"average": partial(GreedySoup, epochs=2), "monitor": ("loss", "min"), "criterion": "ce"},
            "average is GreedySoup, which is chosen by a score of predictions, and monitor is 'loss'",
        ),
        ({"average": EMA}, "average is .*: functools.partial of an imported function"),
        ({"average": partial(EMA, decays=0.9)}, "average: EMA has no parameter 'decays'; it has decay, warmup"),
        ({"precision": "fp32"}, 'precision is \'fp32\': "no", "bf16" or "fp16"'),
        ({"compile": "yes"}, "compile is 'yes': True or False"),
        ({"monitor": ("auc", "max")}, "monitor names 'auc', and metrics has nothing"),
    ],
)
def test_what_could_never_be_is_refused(declare, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        declare(**change)


def test_an_average_that_is_always_reached_is_not_refused(declare) -> None:
    assert declare(average=partial(SWA, start=3), patience=2).average.keywords == {"start": 3}


def test_fast_averages_in_the_fewest_epochs(declare) -> None:
    swa = few_epochs(declare(average=partial(SWA, start=3), criterion="ce"))
    assert (swa.epochs, swa.average.keywords) == (1, {"start": 1})
    soup = few_epochs(declare(average=partial(GreedySoup, epochs=3), criterion="ce"))
    assert (soup.epochs, soup.average.keywords) == (2, {"epochs": 2})
    assert few_epochs(declare()).average is None


def test_only_an_accelerator_trains_in_fp16() -> None:
    with pytest.raises(DataError, match='precision="bf16", or --device cuda, would be right'):
        check_precision("fp16", "cpu")
    check_precision("fp16", "cuda")
    check_precision("bf16", "cpu")


def test_metrics_are_tried_on_the_datas_classes_before_training(declare, competition) -> None:
    names = read_data(competition).class_names
    ages = partial(absolute_error, values=(23.5, 44.5, 60.0))
    with pytest.raises(DataError, match=r"metrics\['age'\] fails on scores of 18 classes: values has 3 numbers"):
        check_scores(declare(metrics={"age": ages}), names)
    check_scores(declare(metrics={"ndcg": partial(ndcg, k=2)}, monitor=("ndcg", "max")), names)
    masks = declare(monitor=("f1_mask_age", "max"))
    check_scores(masks, names)
    with pytest.raises(DataError, match="monitor names 'f1_mask_age', which neither metrics nor these 3 classes give"):
        check_scores(masks, ("a", "b", "c"))
