"""The folds of a linear probe: features of all images once, then a linear layer each; the files are a fold's."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import nn

from data.cache import ImageCache
from data.datasets import ImageDataset
from data.errors import DataError
from data.loaders import make_loader
from data.metadata import ImageData
from data.samplers import SequentialSampler
from runners.compute import Compute
from runners.display import Display
from runners.experiment import build
from runners.features import features, last_layer
from runners.fold_state import FoldState, Predictions
from runners.followed import LogOnly, followed, show_fold
from runners.linear_head import LinearHead, fit_head
from runners.linear_probe import LinearProbe
from runners.run_folder import RunFolder
from runners.scores import score
from runners.state import remove_rubbish, write_checkpoint, write_table
from runners.timing import Timing
from runners.tracking import Tracking

Folds = NDArray[np.int64]


@dataclass(frozen=True)
class ProbeFolds:
    """Everything the folds are made of; folds (N,) says which one validates each training image."""

    probe: LinearProbe
    data: ImageData
    folds: Folds
    run: RunFolder
    compute: Compute
    caches: Sequence[ImageCache]
    display: Display
    tracking: Tracking | None

    def make(self) -> list[Predictions]:
        """The predictions of every fold; one that is done is not made again."""
        folders = [self.run.fold(number) for number in range(int(self.folds.max()) + 1)]
        for folder in folders:  # whoever has the run open writes them too
            remove_rubbish(folder.root)
        states = [FoldState(folder, self.display.line) for folder in folders]
        found = [state.load_predictions() for state in states]
        if all(done is not None for done in found):
            return [done for done in found if done is not None]
        threads = self.compute.threads * self.compute.jobs  # folds follow each other: each has what all would share
        torch.set_num_threads(threads)
        started = time.perf_counter()
        model = make_network(self.probe, len(self.data.class_names))
        train, test = self._features(self.data.train, model), self._features(self.data.test, model)
        seconds = time.perf_counter() - started
        images = len(self.data.train) + len(self.data.test)
        self.display.line(f"features of {images:,} images in {len(self.probe.tta)} views: {seconds:.1f} s")
        with threadpool_limits(threads):
            for number, state in enumerate(states):
                if found[number] is None:
                    made = self._fit(number, model, train, test, seconds / len(states))
                    state.save_predictions(made)
                    found[number] = made
        return [done for done in found if done is not None]

    def _features(self, table: pd.DataFrame, model: nn.Module) -> NDArray[np.float32]:
        """(V, n, F) of a table's images; none of an empty one."""
        if table.empty:
            return np.zeros((len(self.probe.tta), 0, last_layer(model).in_features), np.float32)
        transform = build("valid_transform", self.probe.valid_transform)
        dataset = ImageDataset(self.data.root, table, transform, seed=self.probe.seed, caches=self.caches)
        loader = make_loader(
            dataset,
            SequentialSampler(len(table)),
            batch_size=self.probe.batch_size,
            workers=self.compute.known_workers,
            pin_memory=self.compute.device != "cpu",
        )
        tick = partial(self.display.advance, 1, "features")
        return features(model, loader, self.probe.tta, self.compute.device, tick)

    def _fit(
        self,
        number: int,
        model: nn.Module,
        train: NDArray[np.float32],
        test: NDArray[np.float32],
        seconds_before: float,
    ) -> Predictions:
        """Fit a fold's layer, write its files but the predictions, and return those."""
        started, folder, probe = time.perf_counter(), self.run.fold(number), self.probe
        title = f"fold {number + 1}/{int(self.folds.max()) + 1}"
        targets = self.data.train["target"].to_numpy(np.int64)
        inside, outside = self.folds != number, self.folds == number
        if not inside.any() or not outside.any():
            lacking = "validate with" if inside.any() else "train on"
            raise DataError(f"split: {title} has no image to {lacking}: persons in every fold would be right.")
        head = fit_head(probe.classifier, train[:, inside], targets[inside], len(self.data.class_names), probe.seed)
        fitted, held_out = head.probabilities(train[:, inside]), head.probabilities(train[:, outside])
        log = {
            "epoch": 1,
            **self._logged("train", fitted, inside),
            **self._logged("valid", held_out, outside),
        }
        checkpoint = {"model": network_with(model, head), "config": probe.record(), "metrics": log}
        write_checkpoint(folder.best, checkpoint)
        write_table(folder.metrics, [log])
        seconds = time.perf_counter() - started
        Timing(folder.timing).save(1, seconds_before + seconds, len(targets))
        self.display.advance(1, title)
        end = "" if head.converged else ": not converged, a larger max_iter would be right"
        self.display.line(
            f"{title}  f1 {log['valid_f1']:.4f} (training {log['train_f1']:.4f})  fitted in {seconds:.1f} s, "
            f"{head.iterations} iterations{end}"
        )
        with followed(self.tracking, number) as followers:
            for follower in followers.values():
                follower.log_hparams(self.tracking.parameters if self.tracking else {})
            names = self.data.class_names
            show_fold(followers, LogOnly([log], 1), folder, targets[outside], held_out, names)
        one = np.asarray(1)
        return {"valid": held_out, "test": head.probabilities(test), "best_epoch": one, "epochs": one}

    def _logged(self, loader: str, probabilities: NDArray[np.float32], rows: NDArray[np.bool_]) -> dict[str, Any]:
        """Cells of a row as training logs them; a class without a training image costs 15.9, not infinitely much."""
        table = self.data.train[rows]
        targets = table["target"].to_numpy(np.int64)
        years = table["years"].to_numpy(np.float64) if "years" in table else None
        of_target = probabilities[np.arange(len(targets)), targets]
        loss = float(-np.log(np.maximum(of_target, np.finfo(np.float32).eps)).mean(dtype=np.float64))
        scores = score(targets, probabilities, self.data.class_names, self.probe.metrics, years)
        return {f"{loader}_{name}": value for name, value in {"loss": loss, **scores}.items()}


def make_network(probe: LinearProbe, classes: int) -> nn.Module:
    """The pretrained network; DataError where it does not end with one linear layer."""
    torch.manual_seed(probe.seed)
    model: nn.Module = build("model", probe.model, num_classes=classes)
    last_layer(model)
    return model


def network_with(model: nn.Module, head: LinearHead) -> dict[str, torch.Tensor]:
    """Weights of the whole network with the fitted layer as its last: what predicts like the fold."""
    layer = last_layer(model)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.weight))
        layer.bias.copy_(torch.from_numpy(head.bias))
    return {name: values.detach().cpu().clone() for name, values in model.state_dict().items()}
