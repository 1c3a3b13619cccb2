import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from data.labels import decode
from data.training_rows import TrainingRows, join_rows

CLASSES = 18


def rows(targets: list[int], soft: bool, *, factors: bool = True) -> TrainingRows:
    table = pd.DataFrame({"image_id": [f"{soft}{at}" for at in range(len(targets))], "target": np.array(targets, int)})
    if factors:
        mask, gender, age = decode(table["target"])
        table = table.assign(mask=mask, gender=gender, age=age, years=40)
    weights = np.random.default_rng(0).dirichlet(np.ones(CLASSES), len(targets)).astype(np.float32)
    return TrainingRows(table, weights if soft else None)


@given(parts=st.lists(st.tuples(st.lists(st.integers(0, 17), max_size=4), st.booleans()), min_size=1, max_size=4))
def test_every_row_keeps_its_target_and_hard_ones_are_one_hot_beside_soft_ones(
    parts: list[tuple[list[int], bool]],
) -> None:
    given_parts = [rows(targets, soft) for targets, soft in parts]
    joined = join_rows(given_parts, CLASSES)
    assert joined.table["target"].tolist() == [target for targets, _ in parts for target in targets]
    expected = np.concatenate(
        [part.soft if part.soft is not None else np.eye(CLASSES)[part.table["target"]] for part in given_parts]
    )
    np.testing.assert_array_equal(joined.distributions(CLASSES), expected.astype(np.float32))
    none_soft = not any(soft and (targets or at == 0) for at, (targets, soft) in enumerate(parts))
    assert (joined.soft is None) == none_soft


def test_rows_alone_are_left_as_they_are() -> None:
    own = rows([3, 4], soft=False)
    assert join_rows([own, rows([], soft=True)], CLASSES) is own


def test_factors_follow_from_the_class_and_what_nobody_knows_is_not_known() -> None:
    own, other = rows([0, 17], soft=False), rows([5, 9], soft=True, factors=False)
    table = join_rows([own, other], CLASSES).table
    assert list(table) == list(own.table) and table.index.tolist() == [0, 1, 2, 3]
    for name, values in zip(("mask", "gender", "age"), decode([0, 17, 5, 9]), strict=True):
        assert table[name].tolist() == values.tolist() and pd.api.types.is_integer_dtype(table[name])
    assert table["years"].isna().tolist() == [False, False, True, True]
    labels_only = TrainingRows(own.table[["image_id", "target"]])
    assert list(join_rows([labels_only, other], CLASSES).table) == ["image_id", "target"]
