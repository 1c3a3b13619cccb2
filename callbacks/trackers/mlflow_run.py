"""MLflow: one run of a database on disk, gone on with where it was left; nothing is active, nothing is global."""

import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from catalyst.core.logger import ILogger
from numpy.typing import NDArray

from callbacks.trackers.rows import named, unseen

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_SHOWN = "train/loss"  # a number that every epoch has
_RUN, _PARENT = "run", "mlflow.parentRunId"  # tags
_LONGEST = 6000  # letters of a parameter


class MlflowTracker(ILogger):
    """Logs to the run `run_id`. An epoch is one transaction: it is there with all its numbers, or not at all.

    Catalyst's own logger works on MLflow's active run: one that a killed process left is written into by the next, and
    there are no runs within runs. It writes number by number, and again what a repeated epoch logs.
    """

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        super().__init__(log_batch_metrics=False, log_epoch_metrics=True)
        self.client, self.run_id = client, run_id
        client.update_run(run_id, status="RUNNING")
        known = client.get_run(run_id).data.metrics
        steps = [point.step for point in client.get_metric_history(run_id, _SHOWN)] if _SHOWN in known else []
        self.epoch = max(steps, default=0)

    def log_hparams(self, hparams: Mapping[str, str], runner: Any = None) -> None:
        """The values that were declared; a run that goes on has them, and MLflow refuses to change any."""
        from mlflow.entities import Param

        if not self.client.get_run(self.run_id).data.params:
            params = [Param(name, value[:_LONGEST]) for name, value in hparams.items()]
            self.client.log_batch(self.run_id, params=params)

    def log_metrics(self, metrics: Mapping[str, float], scope: str, runner: Any) -> None:
        """After an epoch the rows since the last one; after all of them ("experiment") also `metrics`."""
        if scope not in ("epoch", "experiment"):
            return
        for row in unseen(runner, self.epoch):
            self.epoch = int(row["epoch"])
            self._write({"/".join(filter(None, (loader, name))): value for loader, name, value in named(row)})
        known = self.client.get_run(self.run_id).data.metrics
        if scope == "experiment" and not set(metrics) <= set(known):
            self._write(metrics)

    def log_image(self, tag: str, image: NDArray[np.uint8], runner: Any, scope: str | None = None) -> None:
        """A picture (H, W, 3) as an artefact."""
        self.client.log_image(self.run_id, image, f"{tag}.png")

    def log_artifact(
        self,
        tag: str,
        runner: Any,
        artifact: object = None,
        path_to_artifact: str | None = None,
        scope: str | None = None,
    ) -> None:
        """A copy of a file."""
        self.client.log_artifact(self.run_id, path_to_artifact)

    def finish(self, done: bool) -> None:
        """End the run, also where it failed: one that is left open would be taken for one under way."""
        self.client.set_terminated(self.run_id, "FINISHED" if done else "FAILED")

    def _write(self, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self.client.log_batch(
            self.run_id, metrics=[Metric(name, value, now, self.epoch) for name, value in values.items()]
        )


def open_mlflow(folder: Path, experiment: str, run: str, fold: int | None) -> MlflowTracker:
    """The run `run` of an experiment in ``folder/mlflow.db``, or its child of a fold; made where it is not there yet.

    One process at a time may call this for a folder. MLflow's usage statistics, which it sends, are switched off.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow.tracking import MlflowClient

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=f"sqlite:///{folder.resolve() / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    artifacts = (folder.resolve() / "artifacts" / experiment).as_uri()
    group = found.experiment_id if found else client.create_experiment(experiment, artifact_location=artifacts)
    parent = _run(client, group, run, {_RUN: run})
    if fold is None:
        return MlflowTracker(client, parent)
    name = f"fold_{fold}"
    return MlflowTracker(client, _run(client, group, name, {_RUN: f"{run}/{name}", _PARENT: parent}))


def _run(client: "MlflowClient", experiment: str, name: str, tags: dict[str, str]) -> str:
    """Id of the run with these tags."""
    found = client.search_runs([experiment], filter_string=f"tags.{_RUN} = '{tags[_RUN]}'", max_results=1)
    made = found[0] if found else client.create_run(experiment, run_name=name, tags=tags)
    return str(made.info.run_id)
