import json
from functools import partial
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.comparison.declaration import changes, differing, flatten, rendered
from runners.record import to_record

ADAM = {"call": "torch.optim.adamw.AdamW", "with": {"lr": 0.003, "betas": [0.9, 0.999]}}
RECORD: dict[str, Any] = {
    "name": "base", "parent": None, "epochs": 12, "optimizer": ADAM, "scheduler": None,
    "split": {"call": "data.splits.PersonSplit.from_csv", "with": {"path": "splits/a.csv"}},
    "criteria": {"cross_entropy": {"call": "runners.criteria.CrossEntropy", "with": {}}},
    "criterion": "cross_entropy", "tta": [{"name": "runners.views.identity"}, {"name": "runners.views.hflip"}],
    "train_transform": {"call": "data.transforms.chain", "with": {"first": {"call": "a.Flip", "with": {"p": 0.5}}}},
}  # fmt: skip


def network(depth: int) -> int:
    return depth


def texts(**changed: Any) -> list[str]:
    return [change.text for change in changes(RECORD, RECORD | changed)]


def test_flattens_to_plain_values_by_path() -> None:
    assert flatten(RECORD, full=False) == {
        "epochs": "12", "optimizer": "AdamW", "optimizer.lr": "0.003", "optimizer.betas": "(0.9, 0.999)",
        "scheduler": "None", "split": "PersonSplit.from_csv", "split.path": "splits/a.csv",
        "criteria.cross_entropy": "CrossEntropy", "criterion": "cross_entropy", "tta": "(identity, hflip)",
        "train_transform": "chain", "train_transform.first": "Flip", "train_transform.first.p": "0.5",
    }  # fmt: skip
    assert flatten(RECORD)["optimizer"] == "torch.optim.adamw.AdamW"
    assert flatten(RECORD)["tta"] == "(runners.views.identity, runners.views.hflip)"


def test_a_schedule_of_epochs_is_one_value() -> None:
    record = {"criterion": {"1": "cross_entropy", "9": "soft_f1"}, "criteria": {}}
    assert flatten(record) == {"criterion": "{1: cross_entropy, 9: soft_f1}", "criteria": "{}"}


def test_records_of_the_project_flatten() -> None:
    record = to_record({"model": partial(network, depth=2), "tta": (network,)}, "x")
    assert flatten(record, full=False) == {"model": "network", "model.depth": "2", "tta": "(network)"}


def test_an_equal_declaration_changed_nothing_whatever_it_is_called() -> None:
    assert texts(name="other", parent="base") == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"epochs": 20}, ["epochs 12 -> 20"]),
        ({"optimizer": {**ADAM, "with": {"lr": 0.001, "betas": [0.9, 0.999]}}}, ["optimizer.lr 0.003 -> 0.001"]),
        ({"optimizer": {**ADAM, "with": {"lr": 0.003}}}, ["optimizer.betas removed"]),
        ({"optimizer": {**ADAM, "with": {**ADAM["with"], "eps": 1}}}, ["optimizer.eps = 1 added"]),  # type: ignore[dict-item]
        (
            {"optimizer": {"call": "torch.optim.sgd.SGD", "with": {"lr": 0.1}}},
            ["optimizer AdamW(lr=0.003, betas=(0.9, 0.999)) -> SGD(lr=0.1)"],
        ),
        (
            {"optimizer": {"call": "mine.AdamW", "with": ADAM["with"]}},
            [
                "optimizer torch.optim.adamw.AdamW(lr=0.003, betas=(0.9, 0.999)) -> "
                "mine.AdamW(lr=0.003, betas=(0.9, 0.999))"
            ],
        ),
        (
            {
                "criteria": {"focal": {"call": "runners.criteria.FocalLoss", "with": {"gamma": 2.0}}},
                "criterion": "focal",
            },
            [
                "criteria.cross_entropy removed",
                "criteria.focal = FocalLoss(gamma=2.0) added",
                "criterion cross_entropy -> focal",
            ],
        ),
        ({"scheduler": {"call": "a.Cosine", "with": {}}}, ["scheduler None -> Cosine()"]),
        ({"criterion": {"1": "a", "9": "b"}}, ["criterion cross_entropy -> {1: a, 9: b}"]),
        ({"tta": [{"name": "runners.views.identity"}]}, ["tta (identity, hflip) -> (identity)"]),
        (
            {
                "train_transform": {
                    "call": "data.transforms.chain",
                    "with": {"first": {"call": "a.Flip", "with": {"p": 0.2}}},
                }
            },
            ["train_transform.first.p 0.5 -> 0.2"],
        ),
    ],
)
def test_changes_name_the_innermost_value(changed: dict[str, Any], expected: list[str]) -> None:
    assert texts(**changed) == expected


def test_a_field_that_one_record_lacks_is_a_change() -> None:
    older = {key: value for key, value in RECORD.items() if key != "tta"}
    assert [change.text for change in changes(older, RECORD)] == ["tta = (identity, hflip) added"]
    assert [change.text for change in changes(RECORD, older)] == ["tta removed"]


def test_only_fields_that_differ_are_named_in_the_order_of_the_declaration() -> None:
    records = [{"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "5", "d": "4", "c": "3"}]
    assert differing(records) == ["b", "d"]
    assert differing([records[0]]) == [] and differing([]) == []


def test_values_are_written_as_one_would() -> None:
    assert [rendered(value) for value in (None, True, 0.1, "text", [], {})] == [
        "None",
        "True",
        "0.1",
        "text",
        "()",
        "{}",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b.C.d", "x.y"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["p", "q", "1"]), inner, max_size=2)
        | st.fixed_dictionaries({"call": st.sampled_from(["m.f", "n.f"]), "with": st.dictionaries(st.just("p"), inner)})
        | st.fixed_dictionaries({"name": st.sampled_from(["m.f", "n.f"])})
    ),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from(["optimizer", "criteria", "seed"]), JSON, max_size=3)


@given(RECORDS, RECORDS)
@example({"seed": [None, False]}, {"seed": [None, 0]})
def test_there_is_a_change_where_two_records_differ_and_only_there(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    found = changes(first, second)
    assert bool(found) == (json.dumps(first, sort_keys=True) != json.dumps(second, sort_keys=True))
    assert all(change.text and change.field.split(".")[0] in first.keys() | second.keys() for change in found)
    if flatten(first) != flatten(second):
        assert found and differing([flatten(first), flatten(second)])
