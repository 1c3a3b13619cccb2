"""Runs of a search: the same data, split and caches for every trial, a run folder for each set of values."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from rich.console import Console

from data.cache import ImageCache
from data.cache_build import GIB, CacheSettings
from data.errors import DataError
from data.metadata import ImageData
from data.reading import read_data
from data.whole_train_set import WholeTrainSet
from runners.compute import Compute, available_cores
from runners.environment import environment, note_environment
from runners.experiment import Experiment, build
from runners.fold_rows import Fold
from runners.identity import folds_table, identity, identity_parts
from runners.kfold import make_caches, make_folds, prepare_run
from runners.precision import check_precision
from runners.refusals import check_declaration
from runners.run_folder import RunFolder, open_run
from runners.search.search_space import Space
from runners.sources import read_sources

CACHE_LIMIT = 20 * GIB


class TrialRuns:
    """Makes the folds of a trial's experiment below `folder`."""

    def __init__(
        self,
        experiment: Experiment,
        source: Path,
        data: Path,
        folder: Path,
        compute: Compute,
        cache: Path,
        console: Console,
    ) -> None:
        if experiment.split.func is WholeTrainSet:
            raise DataError(
                f"split of {experiment.name} is WholeTrainSet, which validates nothing, so no trial would have a "
                "score: a split with folds would be right."
            )
        corrections = Path(experiment.corrections) if experiment.corrections else None
        self.data: ImageData = read_data(data, corrections)
        self.experiment, self.source, self.folder, self.compute = experiment, source, folder, compute
        self.assigned = build("split", experiment.split).assign(self.data.train, seed=experiment.seed)
        self.sources = read_sources(experiment, self.data, self.assigned)  # a search varies none of them
        self.settings, self.console = CacheSettings(cache, CACHE_LIMIT, available_cores()), console
        self._check(experiment)  # what the values of now cannot be either is no fault of a trial's

    @cached_property
    def caches(self) -> list[ImageCache]:
        """Decoded once for all trials: a search does not vary sizes."""
        return make_caches(self.settings, self.experiment, self.data, self.console, self.sources)

    @property
    def batches(self) -> int:
        """Batches of a whole trial. Makes the caches first: an image that does not decode is no fault of a trial's."""
        nowhere = RunFolder(self.folder)  # only counted
        folds = make_folds(self.experiment, self.data, self.assigned, nowhere, self.compute, self.caches, self.sources)
        return sum(fold.batches for fold in folds)

    def folds(self, experiment: Experiment) -> Sequence[Fold]:
        """The folds of a trial, its run folder begun or gone on with; DataError for values that contradict another."""
        self._check(experiment)
        table = folds_table(self.data, self.assigned)
        parts = identity_parts(experiment.record(), table, self.data, self.source, False, self.sources)
        with open_run(self.folder, "trials", identity(parts)) as run:
            prepare_run(run, experiment, self.data, table, self.source, parts, self.sources)
            note_environment(run.environment, environment(self.compute, self.data.root), run.begun)
        return make_folds(experiment, self.data, self.assigned, run, self.compute, self.caches, self.sources)

    def _check(self, experiment: Experiment) -> None:
        check_precision(experiment.precision, self.compute.device)
        check_declaration(experiment, self.data, self.assigned, self.sources)

    def ground(self, space: Space) -> str:
        """Ten digits for what trials must share to be compared: all but the searched values, and the space itself."""
        table = folds_table(self.data, self.assigned)
        parts = identity_parts(self.experiment.record(), table, self.data, self.source, False, self.sources)
        ranges = {path: [type(range_).__name__, asdict(range_)] for path, range_ in space.items()}
        return hashlib.sha256(json.dumps([parts, ranges], sort_keys=True).encode()).hexdigest()[:10]
