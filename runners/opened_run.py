"""A run from its declaration to its first fold, and from its last fold to its table of scores."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from data.whole_train_set import fold_count
from runners.display import Display
from runners.earlier_runs import unlike_the_last
from runners.environment import environment, note_environment
from runners.estimate import with_estimate
from runners.experiment import Experiment
from runners.fast import few_epochs, one_batch
from runners.first_fold import read_split
from runners.fold_rows import Fold
from runners.followed import show_run
from runners.identity import folds_table, identity, identity_parts
from runners.kfold import finish_run, make_caches, make_folds, prepare_run, refuse_copies
from runners.precision import check_precision
from runners.question import question
from runners.ranks import check_ranks
from runners.refusals import check_declaration, check_name
from runners.run_folder import FAST, RunFolder, list_runs, open_run
from runners.sources import read_sources
from runners.summary import print_header, print_result
from runners.tracking import Tracking, tracking
from runners.workspace import Workspace


@dataclass(frozen=True)
class OpenedRun:
    """A run that is open to this process alone, and the folds that make it; none where it is finished."""

    name: str  # of the experiment
    folder: RunFolder
    folds: Sequence[Fold]
    tracking: Tracking | None

    def finish(self, display: Display) -> None:
        """What is made of all folds, once each is done."""
        if self.folds:
            finish_run(self.folds, self.folder, display)
            show_run(self.tracking, self.folder)

    def print_result(self, console: Console) -> None:
        """The table of a finished run."""
        print_result(console, self.folder)


@contextmanager
def opened_run(
    experiment: Experiment, source: Path, workspace: Workspace, queued: bool = False
) -> Iterator[OpenedRun]:
    """Read, split, check, decode, and say what is to be made; DataError for what contradicts the data.

    The same arguments open an unfinished run again, and only show a finished one. queued: folds of other experiments
    are made at the same time, so each says whose it is.
    """
    fast, runs, console = workspace.fast, workspace.runs, workspace.console
    check_name(experiment, source)
    check_precision(experiment.precision, workspace.compute.device)
    check_ranks(experiment, workspace.compute)
    data, folds = read_split(experiment, workspace.data)
    if fast:
        data, folds = one_batch(data, folds, experiment.batch_size)
        experiment, runs = few_epochs(experiment), runs / FAST
    sources = read_sources(experiment, data, folds, fast=fast)
    check_declaration(experiment, data, folds, sources)
    compute = workspace.compute  # where others' folds fill the cores too, each has one
    compute = replace(compute, cores=0) if queued else compute.shared_out(fold_count(experiment.split, folds))
    table = folds_table(data, folds)
    parts = identity_parts(experiment.record(), table, data, source, fast, sources)
    earlier = list_runs(runs, experiment.name)
    if not any(run.root.name.endswith(f"-{identity(parts)}") for run in earlier):
        refuse_copies(sources, data, workspace.cache, console)
    with open_run(runs, experiment.name, identity(parts)) as run:
        remarks = [] if run.begun else unlike_the_last(earlier, parts)
        remarks += prepare_run(run, experiment, data, table, source, parts, sources)
        if not run.finished:
            changes = note_environment(run.environment, environment(compute, data.root), run.begun)
            remarks += [f"{change}: the last digits of results may differ" for change in changes]
        print_header(console, experiment, question(source), data, folds, run, compute, remarks, sources)
        if run.finished:
            run.check_manifest()
            yield OpenedRun(experiment.name, run, (), None)
        else:
            caches = [] if fast else make_caches(workspace.cache, experiment, data, console, sources)
            shown = tracking(workspace.track, runs, run.root, experiment.record()) if workspace.track else None
            made = make_folds(experiment, data, folds, run, compute, caches, sources, shown)
            told = with_estimate([replace(fold, queued=queued) for fold in made])
            yield OpenedRun(experiment.name, run, told, shown)
