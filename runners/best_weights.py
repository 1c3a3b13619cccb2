"""The network that predicts for a fold: with the weights of its best epoch, or with the soup of its best ones."""

from collections.abc import Callable, Sequence

from torch import nn

from callbacks.last_epoch import LastEpoch
from callbacks.monitor import Monitor, same_row
from callbacks.soup import GreedySoup
from data.errors import DataError
from runners.compilation import plain_network
from runners.experiment import Experiment
from runners.inference import predict
from runners.run_folder import FoldFolder
from runners.scores import score
from runners.soup import make_soup
from runners.state import read_checkpoint, write_checkpoint
from runners.supervised import ClassificationRunner
from runners.views import identity


def best_network(
    runner: ClassificationRunner,
    experiment: Experiment,
    monitor: Monitor | LastEpoch,
    folder: FoldFolder,
    title: str,
    class_names: Sequence[str],
    say: Callable[[str], None],
) -> tuple[nn.Module, int]:
    """The network in float32, not compiled, and the number of its epoch (from 1 on); a soup's is its first one.

    `monitor` says which epoch it is: the best one, or the last where nothing was validated. A soup is made here, said,
    and written into the fold's best.pth. Raises DataError where no epoch had a finite loss and monitored number.
    """
    metric, best = monitor.metric, monitor.best_epoch(runner.history)
    if best is None:
        raise DataError(f"{title} has no best epoch: in none were the losses and {metric} finite numbers.")
    checkpoint = read_checkpoint(folder.best)
    if not same_row(checkpoint["metrics"], runner.history[best]):
        raise DataError(f"{folder.best} holds other weights than those of epoch {best + 1}: delete it, and go on.")
    model: nn.Module = runner.engine.unwrap_model(runner.model, keep_fp32_wrapper=False)
    plain_network(model)
    model.load_state_dict(checkpoint["model"])
    if isinstance(runner.average, GreedySoup):
        epochs, scores = _soup(runner, runner.average, model, experiment, class_names)
        steps = ", ".join(f"{epoch} ({value:.4f})" for epoch, value in zip(epochs, scores, strict=True))
        say(f"{title}  soup of epochs {steps}: {metric} after each")
        weights = {name: values.detach().cpu() for name, values in model.state_dict().items()}
        write_checkpoint(folder.best, {**checkpoint, "model": weights, "soup": {"epochs": epochs, metric: scores}})
    return model, best + 1


def _soup(
    runner: ClassificationRunner, soup: GreedySoup, model: nn.Module, experiment: Experiment, class_names: Sequence[str]
) -> tuple[list[int], list[float]]:
    valid, device = runner.loaders["valid"], str(runner.engine.device)
    targets = valid.dataset.targets.numpy()  # (n,) in the order of the table, as the predictions
    years = None if valid.dataset.years is None else valid.dataset.years.numpy()  # (n,)

    def validate(network: nn.Module) -> float:
        probabilities = predict([network], valid, (identity,), experiment.activation, device, _nothing)[0]
        return score(targets, probabilities, class_names, experiment.metrics, years)[experiment.monitor[0]]

    return make_soup(soup.kept, model, runner.loaders["train"], validate, experiment.watched, device, runner.seed)


def _nothing() -> None:
    """Trials of a soup are no part of what a progress bar counts."""
