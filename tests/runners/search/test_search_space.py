from functools import partial

import pytest
from torch.optim import AdamW

from data.errors import DataError
from runners.search.search_space import Choice, Integer, LogUniform, Uniform, check_space, field_value, with_values


def test_values_at_paths_are_read_and_replaced_and_all_else_stays(declare) -> None:
    experiment = declare()
    assert field_value(experiment, "optimizer.lr") == 1e-3 and field_value(experiment, "batch_size") == 8
    changed = with_values(experiment, {"optimizer.lr": 0.5, "model.drop_rate": 0.0, "batch_size": 4})
    assert changed.optimizer.keywords == {"lr": 0.5, "weight_decay": 1e-2} and changed.batch_size == 4
    before, after = experiment.record(), changed.record()
    assert {name for name in before if before[name] != after[name]} == {"optimizer", "model", "batch_size"}
    assert experiment.optimizer.keywords["lr"] == 1e-3, "the first is as it was"


def test_a_parameter_of_a_criterion_is_reached_by_its_name(declare) -> None:
    from runners.criteria import CrossEntropy, FocalLoss

    experiment = declare(criteria={"ce": partial(CrossEntropy), "f1": partial(FocalLoss, gamma=2.0)})
    changed = with_values(experiment, {"criteria.f1.gamma": 0.5})
    assert changed.criteria["f1"].keywords == {"gamma": 0.5} and changed.criteria["ce"].func is CrossEntropy


def test_checks_are_made_again(declare) -> None:
    with pytest.raises(DataError, match="batch_size is 0"):
        with_values(declare(), {"batch_size": 0})


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({}, "tiny marks nothing to search"),
        ({"optimiser.lr": Uniform(0, 1)}, "SEARCH names 'optimiser.lr': tiny has no 'optimiser'; it has name, parent"),
        ({"optimizer.lrr": Uniform(0, 1)}, "optimizer has no 'lrr'; it has lr, weight_decay"),
        ({"optimizer.lr.x": Uniform(0, 1)}, "optimizer.lr has no 'x'; it has nothing"),
        ({"optimizer.lr": Uniform(1, 1)}, "goes from 1 to 1: low < high"),
        ({"optimizer.lr": LogUniform(0, 1)}, "goes from 0 to 1: 0 < low < high"),
        ({"batch_size": Integer(8, 4)}, "goes from 8 to 4"),
        ({"batch_size": Choice((8,))}, "two options or more"),
        ({"batch_size": (8, 16)}, "is \\(8, 16\\): Uniform, LogUniform, Integer or Choice would be right"),
        ({"batch_size": None}, "is None: Uniform, LogUniform"),
        ({"split.folds": Integer(2, 5)}, "names 'split.folds': trials that differ in split could not be compared"),
        ({"seed": Integer(0, 9)}, "differ in seed"),
        ({"corrections": Choice((None, "a.csv"))}, "differ in corrections"),
        ({"name": Choice(("a", "b"))}, "differ in name"),
        ({"parent": Choice(("a", "b"))}, "differ in parent"),
        ({"extra_data": Choice((1, 2))}, "differ in extra_data"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(declare, space, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_space(declare(), space)


def test_ranges_that_hold_are_accepted(declare) -> None:
    check_space(declare(optimizer=partial(AdamW, lr=1e-3)), {"optimizer.lr": LogUniform(1e-4, 1e-2)})
