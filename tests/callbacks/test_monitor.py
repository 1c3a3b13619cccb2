import math

import pytest

from callbacks.monitor import Monitor, best_position, same_row
from data.errors import DataError


def log(*values: float) -> list[dict[str, float]]:
    return [{"epoch": number + 1, "valid_f1": value} for number, value in enumerate(values)]


def test_first_of_equal_values_is_the_best() -> None:
    assert Monitor("f1", "max").best_epoch(log(0.1, 0.5, 0.5, 0.2)) == 1
    assert Monitor("f1", "min").best_epoch(log(0.5, 0.1, 0.1)) == 1


@pytest.mark.parametrize("mode", ["max", "min"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_never_best(mode: str, bad: float) -> None:
    monitor = Monitor("f1", mode)
    assert monitor.best_epoch(log(bad)) is None
    assert monitor.best_epoch(log(bad, 0.3)) == 1
    assert monitor.best_epoch(log(0.3, bad)) == 0
    assert not monitor.improved(log(bad))
    assert monitor.epochs_since_best(log(bad, bad)) == 2


@pytest.mark.parametrize("loss", ["train_loss", "valid_loss"])
def test_an_epoch_whose_loss_is_not_finite_is_never_best(loss: str) -> None:
    rows = [row | {"train_loss": 1.0, "valid_loss": 1.0} for row in log(0.9, 0.5)]
    rows[0][loss] = math.nan
    assert Monitor("f1", "max").best_epoch(rows) == 1
    assert Monitor("f1", "max").best_epoch(rows[:1]) is None


def test_improvement_and_epochs_since() -> None:
    monitor = Monitor("f1", "max")
    assert monitor.improved(log(0.1, 0.2))
    assert not monitor.improved(log(0.2, 0.2))
    assert not monitor.improved([])
    assert monitor.epochs_since_best(log(0.1, 0.4, 0.3, 0.2)) == 2


def test_unknown_metric_lists_what_is_logged() -> None:
    with pytest.raises(DataError, match="monitor names 'auc', which is not logged; available: f1"):
        Monitor("auc", "max").values(log(0.1))


def test_rows_are_the_same_where_what_is_no_number_stays_none() -> None:
    row = {"valid_f1": 0.5, "valid_auc": math.nan}
    assert same_row(row, dict(row)) and same_row(row, {"valid_auc": float("nan"), "valid_f1": 0.5})
    assert not same_row(row, row | {"valid_auc": 0.5}) and not same_row(row | {"valid_auc": 0.5}, row)
    assert not same_row(row, row | {"valid_f1": 0.6}) and not same_row(row, {"valid_f1": 0.5})


def test_best_of_nothing_is_none() -> None:
    assert best_position([], "max") is None
