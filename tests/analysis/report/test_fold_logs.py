import math
from pathlib import Path

import pytest

from analysis.comparison.finished_run import read_finished_run
from analysis.report.fold_logs import read_fold_logs
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.run_folder import RunFolder, latest_finished


@pytest.fixture
def run(trial: Trial) -> RunFolder:
    found = latest_finished(trial.runs, "run_0")
    assert found is not None
    return found


def test_epochs_and_columns_are_read_as_numbers(run: RunFolder) -> None:
    run.fold(1).metrics.write_text("epoch,lr,valid_f1\n1,0.1,0.25\n2,0.1,\n3,0.1,nan\n")
    (log,) = read_fold_logs(read_finished_run(run))  # the other folds kept none
    assert (log.fold, log.epochs, log.best_epoch) == (1, [1, 2, 3], 1)
    assert log.values["lr"] == [0.1] * 3 and log.values["valid_f1"][0] == log.at_best("valid_f1") == 0.25
    assert all(map(math.isnan, [*log.values["valid_f1"][1:], log.at_best("train_f1")]))


@pytest.mark.parametrize(
    ("row", "said"), [("2,high", "row 3: valid_f1 is 'high'"), ("two,1", "row 3: epoch is no number")]
)
def test_what_is_no_number_is_named(run: RunFolder, row: str, said: str) -> None:
    run.fold(0).metrics.write_text(f"epoch,valid_f1\n1,0.5\n{row}\n")
    with pytest.raises(DataError, match=said):
        read_fold_logs(read_finished_run(run))


def test_a_run_without_logs_has_none(run: RunFolder, tmp_path: Path) -> None:
    assert read_fold_logs(read_finished_run(run)) == ()
