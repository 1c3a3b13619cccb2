"""A competition small enough to train on in a second."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# One thread a process, before torch is imported: pytest-xdist has a process on every core already, and threads that
# wait for a core take three times the processor time.
os.environ["OMP_NUM_THREADS"] = "1"
settings.register_profile("suite", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("suite")


@pytest.fixture(scope="session")
def competition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve people to train on and three to predict, in the mask competition's layout, 48x64 pixels an image."""
    from data.synthetic import write_sample

    out = tmp_path_factory.mktemp("competition") / "sample"
    write_sample(out, train_persons=12, eval_persons=3, size=(64, 48))
    return out
