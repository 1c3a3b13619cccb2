import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn

from callbacks.monitor import Monitor
from runners.soup import greedy_soup, make_soup, mean_weights


def by_value(scores: dict[float, float]):
    """The validation score of weights whose only value is looked up, rounded."""
    return lambda weights, mixed: scores[round(weights["w"].item(), 3)]


def kept(**values: float) -> dict[int, dict[str, torch.Tensor]]:
    return {int(name[1:]): {"w": torch.tensor([value])} for name, value in values.items()}


def test_an_epoch_is_taken_where_the_score_does_not_fall() -> None:
    best_first = kept(e7=1.0, e3=3.0, e5=5.0, e1=7.0)
    scores = {1.0: 0.5, 2.0: 0.4, 3.0: 0.5, 4.333: 0.6}  # alone; with 3; with 5, equal; with 5 and 1
    chosen, after = greedy_soup(best_first, by_value(scores), Monitor("f1", "max"))
    assert chosen == [7, 5, 1] and after == [0.5, 0.5, 0.6]


def test_a_smaller_number_may_be_the_better_one_and_nan_never_is() -> None:
    best_first = kept(e1=1.0, e2=3.0, e3=5.0)
    scores = {1.0: 0.5, 2.0: math.nan, 3.0: 0.4}
    assert greedy_soup(best_first, by_value(scores), Monitor("error", "min")) == ([1, 3], [0.5, 0.4])
    assert greedy_soup(best_first, by_value(scores), Monitor("f1", "max"))[0] == [1]


def test_the_mean_is_torchs(seed: int = 0) -> None:
    torch.manual_seed(seed)
    models = [nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(3)]
    theirs = AveragedModel(models[0], use_buffers=True)
    for model in models:
        theirs.update_parameters(model)
    ours = mean_weights([model.state_dict() for model in models])
    for name, values in theirs.module.state_dict().items():
        torch.testing.assert_close(ours[name], values.to(ours[name].dtype))


class Batches(list):
    """A training loader of tensors."""

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__({"features": part} for part in images.split(4))
        self.sampler = self
        self.epochs: list[int] = []

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def test_dropout_draws_the_same_however_often_a_soup_is_made() -> None:
    """Statistics of batch norm behind dropout depend on what is dropped."""
    networks = [nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(3)]
    candidates = {5: networks[0].state_dict(), 3: networks[1].state_dict()}
    loader, ends = Batches(torch.randn(16, 3)), []
    for start in (1, 2):
        torch.manual_seed(start)
        make_soup(candidates, networks[2], loader, lambda model: 0.5, Monitor("f1", "max"), "cpu", seed=3)
        ends.append(networks[2][2].running_mean.clone())
    assert torch.equal(*ends)


@pytest.mark.parametrize("falls", [False, True])
def test_the_model_ends_as_the_soup_with_statistics_of_the_training_images(falls: bool) -> None:
    torch.manual_seed(1)
    models = [nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)) for _ in range(2)]
    with torch.no_grad():
        models[0][1].running_mean += 5  # its own statistics: kept where it is alone
    candidates = {6: models[0].state_dict(), 2: models[1].state_dict()}
    loader, seen = Batches(torch.randn(16, 3)), []

    def score(model: nn.Module) -> float:
        seen.append(model[1].running_mean.mean().item())
        return -len(seen) if falls else 0.5

    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    chosen, scores = make_soup(candidates, model, loader, score, Monitor("f1", "max"), "cpu", seed=3)
    assert chosen == ([6] if falls else [6, 2]) and len(scores) == len(chosen) and loader.epochs == [6]
    assert np.isclose(seen[0], 5), "an epoch alone is scored as it was validated"
    expected = AveragedModel(models[0])
    expected.update_parameters(models[0])
    if not falls:
        expected.update_parameters(models[1])
        update_bn([batch["features"] for batch in loader], expected)
    for name, values in expected.module.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], values)
