import json

import pytest

from data.errors import DataError
from runners.criterion_schedule import check_criterion, criterion_schedule, from_json, named_criteria

CRITERIA = {"ce": None, "f1": None}


@pytest.mark.parametrize(
    ("criterion", "schedule"),
    [
        ("ce", {1: {"ce": 1.0}}),
        ({"ce": 1, "f1": 0.5}, {1: {"ce": 1.0, "f1": 0.5}}),
        ({4: {"f1": 2.0}, 1: "ce"}, {1: {"ce": 1.0}, 4: {"f1": 2.0}}),
    ],
)
def test_every_form_is_a_weighted_sum_by_first_epoch_also_after_json(criterion, schedule) -> None:
    assert criterion_schedule(criterion) == schedule and list(criterion_schedule(criterion)) == list(schedule)
    assert criterion_schedule(from_json(json.loads(json.dumps(criterion)))) == schedule
    check_criterion(criterion, CRITERIA, epochs=5, metric="f1")


def test_a_criterion_may_bear_a_number_as_its_name() -> None:
    assert from_json({"1": 0.5, "2": 0.5}) == {"1": 0.5, "2": 0.5}, "weights of names"
    assert from_json({"1": "2"}) == {1: "2"}, "a name by epoch"


def test_names_come_once_in_the_order_of_their_first_use() -> None:
    assert named_criteria({3: {"a": 1, "b": 1}, 1: {"c": 1, "b": 1}}) == ("c", "b", "a")


@pytest.mark.parametrize(
    ("criterion", "metric", "sentence"),
    [
        ({"ce": 0}, "f1", "criterion weighs 'ce' with 0: a number above 0"),
        ({"ce": 1.0, "f1": -1}, "f1", "criterion weighs 'f1' with -1: a number above 0"),
        ({"ce": float("nan")}, "f1", "criterion weighs 'ce' with nan"),
        ({"ce": True}, "f1", "criterion weighs 'ce' with True"),
        ({"ce": "f1"}, "f1", "criterion weighs 'ce' with 'f1'"),
        ({1: {"focal": 1.0}}, "f1", "criterion names 'focal', which is not in criteria; available: ce, f1"),
        ({1: {}}, "f1", "criterion is {}: one name or more"),
        ({1: "ce", "f1": 0.5}, "f1", "either epochs or names are its keys, not both"),
        ({1: 0.5}, "f1", "criterion is 0.5: a name, {name: weight}, or a dict of either by first epoch"),
        ({1: "ce", 6: "f1"}, "f1", "criterion switches at epoch 6, epochs is 5: it never would"),
        ({1: "ce", 2: {"ce": 0.5}}, "loss", "monitor is 'loss' and criterion switches"),
    ],
)
def test_what_it_cannot_be_is_one_sentence(criterion, metric: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_criterion(criterion, CRITERIA, epochs=5, metric=metric)


def test_the_loss_can_be_watched_where_it_does_not_switch() -> None:
    check_criterion({1: "ce", 3: {"ce": 1}}, CRITERIA, epochs=5, metric="loss")
