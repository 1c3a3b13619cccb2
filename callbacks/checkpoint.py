"""Commits each epoch to disk, and continues from the last one committed, or from where a stop left the next."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from catalyst.core.callback import ICheckpointCallback

from callbacks import ORDER
from callbacks.last_epoch import LastEpoch
from callbacks.monitor import Log, Monitor

State = dict[str, Any]


class CheckpointCallback(ICheckpointCallback):
    """At each epoch's end: the whole state as one file, then what is derived from it, best weights and log.

    The state holds the best weights and the log too, so it alone is the commit: a kill at any other moment loses
    nothing, since whoever continues derives the other files again. Where files live and how they are written is the
    caller's: `save_state`, `save_best` and `save_log` take what is to be written, `load_state` gives the last state or
    None. `config` is saved beside the best weights. Where weights are averaged, the average was validated: it is saved
    as best, and training goes on from the weights themselves.
    """

    def __init__(
        self,
        monitor: Monitor | LastEpoch,
        config: Mapping[str, Any],
        save_state: Callable[[State], None],
        save_best: Callable[[State], None],
        save_log: Callable[[Log], None],
        load_state: Callable[[], State | None],
    ) -> None:
        super().__init__()
        self.order = ORDER["checkpoint"]
        self.monitor = monitor
        # Text of its own: pickle tells shared strings from equal ones, and which are shared depends on the process
        self.config = json.loads(json.dumps(config))
        self.save_state, self.save_best, self.save_log = save_state, save_best, save_log
        self.load_state = load_state
        self.best: State | None = None

    def on_experiment_start(self, runner: Any) -> None:
        """Continue from the last state, if there is one; what was not derived from it any more is derived now."""
        state = self.load_state()
        if state is None:
            return
        for name, part in _stateful_parts(runner).items():
            part.load_state_dict(state[name])
        runner.epoch_step, runner.batch_step, runner.sample_step = state["steps"]
        runner.unfinished = state.get("batch")
        if runner.unfinished is not None:  # of an epoch that is begun once more, and gone on with
            runner.epoch_step -= 1
        runner.history[:] = state["log"]
        self.best = state["best"]
        if not runner.engine.is_main_process:
            return
        if self.best is not None:
            self.save_best(self.best)
        self.save_log(runner.history)

    def on_epoch_end(self, runner: Any) -> None:
        """Commit the epoch; one process writes."""
        if not runner.engine.is_main_process:
            return
        improved = self.monitor.improved(runner.history)
        if improved:
            live = _stateful_parts(runner)["model"].state_dict()
            validated = live if runner.average is None else runner.average.weights or live
            weights = {name: values.detach().cpu().clone() for name, values in validated.items()}
            self.best = {"model": weights, "config": self.config, "metrics": runner.history[-1]}
        self.save_state(self.state(runner))
        if improved and self.best is not None:
            self.save_best(self.best)
        self.save_log(runner.history)

    def state(self, runner: Any) -> State:
        """Weights and all that changes with them, the steps so far, the log and the best weights."""
        parts = {name: part.state_dict() for name, part in _stateful_parts(runner).items()}
        steps = [runner.epoch_step, runner.batch_step, runner.sample_step]
        return {**parts, "steps": steps, "log": runner.history, "best": self.best}


def _stateful_parts(runner: Any) -> dict[str, Any]:
    """What changes while a fold trains. Random states are no part of it: every loader is seeded anew."""
    # with its wrapper of mixed precision: without, the next epoch would be trained in another precision
    model: torch.nn.Module = runner.engine.unwrap_model(runner.model, keep_fp32_wrapper=True)
    parts = {"model": model, "optimizer": runner.optimizer}
    parts |= {f"criterion {name}": criterion for name, criterion in runner.criterion.items()}
    if runner.scheduler is not None:
        parts["scheduler"] = runner.scheduler
    if runner.average is not None:
        parts["average"] = runner.average
    if runner.engine.scaler is not None:
        parts["scaler"] = runner.engine.scaler
    return parts
