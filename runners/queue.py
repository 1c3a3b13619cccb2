"""Several experiments on one executor: the next one's folds start as soon as a slot is free."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from data.errors import DataError
from runners.display import Display, print_error
from runners.experiment import Experiment
from runners.fold_rows import Fold
from runners.kfold import execute
from runners.linear_probe import Declaration, LinearProbe
from runners.opened_run import OpenedRun, opened_run
from runners.probe_run import run_probe
from runners.workspace import Workspace

Fail = Callable[[str, Exception], None]  # told whose mistake ends a run


def run_queue(experiments: Sequence[tuple[Declaration, Path]], workspace: Workspace) -> list[str]:
    """Make the runs of these experiments, each with its module; returns the names of those that failed.

    All are read, checked and decoded first, then their folds share the executor's slots, in order. A linear probe
    computes in this process, so it follows when the folds are done. A mistake, or a full disk, is said and ends its own
    experiment alone.
    """
    failed: list[str] = []

    def fail(name: str, error: Exception) -> None:
        failed.append(name)
        sentence = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else error
        print_error(f"{name}: {sentence}")

    with ExitStack() as stack:
        opened: list[OpenedRun] = []
        for experiment, source in experiments:
            if isinstance(experiment, Experiment):
                try:
                    opened.append(stack.enter_context(opened_run(experiment, source, workspace, queued=True)))
                except (DataError, OSError) as error:
                    fail(experiment.name, error)
                workspace.console.print()
        _make(opened, workspace.console, fail)
    for experiment, source in experiments:
        if isinstance(experiment, LinearProbe):
            try:
                run_probe(experiment, source, workspace)
            except (DataError, OSError) as error:
                fail(experiment.name, error)
    return failed


def _make(opened: Sequence[OpenedRun], console: Console, fail: Fail) -> None:
    """Every fold of every run, and of each run what is made of its folds as soon as the last one is done."""
    left = {one.folder.root: len(one.folds) for one in opened}
    run_of = {one.folder.root: one for one in opened}
    folds = [fold for one in opened for fold in one.folds]

    def finish(one: OpenedRun) -> None:
        console.print(f"\n{one.name}", markup=False)
        one.finish(display)
        one.print_result(console)

    def ended(fold: Fold, failure: Exception | None) -> None:
        root = fold.folder.root.parent
        left[root] -= 1
        try:
            if failure:
                raise failure
            if not left[root]:
                finish(run_of[root])
        except (DataError, OSError) as error:
            fail(run_of[root].name, error)

    with Display(console, sum(fold.batches for fold in folds)) as display:
        for one in opened:
            if not one.folds:
                try:
                    finish(one)
                except (DataError, OSError) as error:
                    fail(one.name, error)
        execute(folds, display, ended)
