"""Three finished runs on a competition of forty people, simulated, not trained."""

import shutil
from pathlib import Path

import pytest

from benchmarks.simulated_runs import Trial, write_trial


@pytest.fixture(scope="session")
def written_trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Written once; tests change a copy of its runs."""
    return write_trial(tmp_path_factory.mktemp("trial"), "both", seed=0, runs=3, persons=40, test_persons=20)


@pytest.fixture
def trial(written_trial: Trial, tmp_path: Path) -> Trial:
    """The same with runs of the test's own."""
    shutil.copytree(written_trial.runs, tmp_path / "runs")
    return Trial(written_trial.data, tmp_path / "runs")
