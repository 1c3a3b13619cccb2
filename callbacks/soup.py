"""Keeps the weights of a fold's best epochs, of which a soup is made once the fold is trained."""

from typing import Any

import torch
from catalyst.core.callback import Callback

from callbacks import ORDER
from callbacks.average import Weights
from callbacks.monitor import Monitor


class GreedySoup:
    """The greedy soup of Wortsman et al. (2022) over the best `epochs` epochs of a fold.

    Beginning with the best epoch, each further one is taken into the mean of weights where the validation score does
    not fall by it. Like the choice of the best epoch, this looks at the images that are then predicted out of fold: the
    soup's out-of-fold score is a little too good, a little more so than one epoch's.

    Weights of different folds are never mixed: each fold's images were trained on by all other folds, so a mean of
    folds has seen every image and its out-of-fold score would say nothing. Folds' probabilities are averaged instead.
    """

    def __init__(self, *, epochs: int) -> None:
        if epochs < 2:
            raise ValueError(f"epochs is {epochs}: two epochs or more make a soup")
        self.epochs = epochs
        self.kept: dict[int, Weights] = {}  # epoch, from 1 on: its weights

    def keep(self, epoch: int, weights: Weights, ranking: list[int]) -> None:
        """Keep an epoch's weights if it is among the first of `ranking` (epochs, best first), and drop the others."""
        best = ranking[: self.epochs]
        if epoch in best:
            self.kept[epoch] = {name: values.detach().cpu().clone() for name, values in weights.items()}
        self.kept = {one: self.kept[one] for one in best if one in self.kept}

    def state_dict(self) -> dict[str, Any]:
        """The weights kept."""
        return {"kept": self.kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.kept = dict(state["kept"])

    @property
    def weights(self) -> None:
        """Validation takes the weights as they are trained: there is no soup before the end."""
        return None


class SoupCallback(Callback):
    """Hands the soup each epoch's weights; it keeps the best by the monitored number."""

    def __init__(self, soup: GreedySoup, monitor: Monitor) -> None:
        super().__init__(order=ORDER["soup"])
        self.soup, self.monitor = soup, monitor

    def on_experiment_start(self, runner: Any) -> None:
        """What is kept is part of the fold's state."""
        runner.average = self.soup

    def on_epoch_end(self, runner: Any) -> None:
        """Keep the epoch, or not."""
        model: torch.nn.Module = runner.engine.unwrap_model(runner.model, keep_fp32_wrapper=True)
        self.soup.keep(runner.epoch_step, model.state_dict(), self.monitor.ranking(runner.history))
