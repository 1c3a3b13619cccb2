"""Which stage a run is in, told by a file: functions of the project are wrapped, in the watched process only."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

WIDTH = 16
STAGES = (
    "start",
    "data",
    "split",
    "cache",
    "model",
    "train",
    "validation",
    "commit",
    "out-of-fold",
    "inference",
    "submission",
    "report",
    "end",
)


def read(path: Path) -> str:
    """The stage in a file that `watch` writes."""
    return path.read_text().strip() if path.exists() and path.stat().st_size else "start"


def count_batches(path: Path) -> None:
    """Add the first letter of its loader's name to a file for each batch that goes through a network."""
    from runners.supervised import ClassificationRunner

    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    handle_batch = ClassificationRunner.handle_batch

    def counted(runner: ClassificationRunner, batch: Any) -> None:
        os.write(descriptor, runner.loader_key[0].encode())
        handle_batch(runner, batch)

    ClassificationRunner.handle_batch = counted  # type: ignore[method-assign]


def watch(path: Path) -> None:
    """Wrap the functions that a run goes through: each writes its stage, and at its end the stage before."""
    import runners.first_fold
    import runners.fold
    import runners.fold_loaders
    import runners.kfold
    import runners.opened_run
    import runners.state
    from runners.supervised import ClassificationRunner

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)  # forked folds write it too: the last one counts
    stack = ["start"]

    def tell(stage: str) -> None:
        os.pwrite(descriptor, stage.ljust(WIDTH).encode(), 0)

    def wrap(owner: Any, name: str, stage: str | Callable[..., str]) -> None:
        function = getattr(owner, name)

        @functools.wraps(function)
        def told(*arguments: Any, **keywords: Any) -> Any:
            stack.append(stage if isinstance(stage, str) else stage(*arguments))
            tell(stack[-1])
            try:
                return function(*arguments, **keywords)
            finally:
                stack.pop()
                tell(stack[-1])

        setattr(owner, name, told)

    tell("start")
    wrap(runners.first_fold, "read_data", "data")
    wrap(runners.opened_run, "prepare_run", "split")
    wrap(runners.opened_run, "make_caches", "cache")
    wrap(runners.fold, "train_fold", "model")
    wrap(ClassificationRunner, "_run_loader", lambda runner: "train" if runner.is_train_loader else "validation")
    wrap(runners.state, "write_bytes", "commit")
    wrap(runners.fold_loaders, "predict", "inference")
    wrap(runners.kfold, "gather", "out-of-fold")
    wrap(runners.kfold, "write_submission", "submission")
    wrap(runners.opened_run, "print_result", "report")
