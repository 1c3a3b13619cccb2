"""A linear probe as a run: read, split, fit, predict and score, in the folder and the files of every run."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import DataError
from data.metadata import ImageData
from runners.declared_ages import check_ages_known
from runners.display import Display
from runners.earlier_runs import unlike_the_last
from runners.environment import environment, note_environment
from runners.fast import one_batch
from runners.first_fold import read_split
from runners.followed import show_run
from runners.identity import folds_table, identity, identity_parts
from runners.kfold import gather, make_caches, prepare_run
from runners.linear_probe import LinearProbe
from runners.probe_folds import ProbeFolds, make_network
from runners.question import question
from runners.refusals import check_name, check_scores, check_views
from runners.run_folder import FAST, RunFolder, list_runs, open_run
from runners.sources import NOTHING
from runners.summary import print_header, print_result
from runners.tracking import tracking
from runners.workspace import Workspace


def run_probe(probe: LinearProbe, source: Path, workspace: Workspace) -> RunFolder:
    """Read, split, fit, predict and score; returns the finished run's folder.

    The same arguments continue an unfinished run (folds that are done are kept, features are computed again), and only
    show a finished one. DataError for what contradicts the data, before a run has a folder.
    """
    fast, runs, compute, console = workspace.fast, workspace.runs, workspace.compute, workspace.console
    check_name(probe, source)
    data, folds = read_split(probe, workspace.data)
    check_probe(probe, data, folds)
    if fast:
        data, folds = one_batch(data, folds, probe.batch_size)
        runs = runs / FAST
    table = folds_table(data, folds)
    parts = identity_parts(probe.record(), table, data, source, fast)
    earlier = list_runs(runs, probe.name)
    with open_run(runs, probe.name, identity(parts)) as run:
        remarks = [] if run.begun else unlike_the_last(earlier, parts)
        remarks += prepare_run(run, probe, data, table, source, parts)
        if not run.finished:
            changes = note_environment(run.environment, environment(compute, data.root), run.begun)
            remarks += [f"{change}: the last digits of results may differ" for change in changes]
        print_header(console, probe, question(source), data, folds, run, compute, remarks, NOTHING)
        if run.finished:
            run.check_manifest()
        else:
            shown = tracking(workspace.track, runs, run.root, probe.record()) if workspace.track else None
            caches = [] if fast else make_caches(workspace.cache, probe, data, console)
            with Display(console, _batches(probe, data, folds)) as display:
                predictions = ProbeFolds(probe, data, folds, run, compute, caches, display, shown).make()
            gather(data, folds, predictions, run, probe.metrics)
            show_run(shown, run)
        print_result(console, run)
    return run


def check_probe(probe: LinearProbe, data: ImageData, folds: NDArray[np.int64]) -> None:
    """DataError, one sentence, for a split that validates nothing, and a model, view or metric that fails."""
    if (folds < 0).all():
        raise DataError(
            f"split is {probe.split.func.__qualname__}, which validates nothing: a linear probe is fitted fold by "
            "fold, PersonStratifiedKFold would be right."
        )
    check_ages_known({}, probe.metrics, None, data.train)
    make_network(probe, len(data.class_names))
    check_views(probe, len(data.class_names))
    check_scores(probe, data.class_names)


def _batches(probe: LinearProbe, data: ImageData, folds: NDArray[np.int64]) -> int:
    """What the progress bar counts: batches of images, and a fit for each fold."""
    batches = sum(-(-len(table) // probe.batch_size) for table in (data.train, data.test))
    return batches + int(folds.max()) + 1
