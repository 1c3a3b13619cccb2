"""The declared criteria as a fold needs them: told what they ask for, and tried on a batch before training."""

from functools import partial

import torch
from torch import nn

from callbacks.criterion import batch_weight
from data.errors import DataError
from runners.experiment import Experiment, Factory, asks, build


def build_criteria(experiment: Experiment, class_counts: torch.Tensor) -> dict[str, nn.Module]:
    """Every declared criterion by name; those that ask get the training rows' counts (C,) and the `logit_scale`.

    Raises DataError for one that refuses its values, or logits of C classes (weights of another number of classes,
    say), and for a sum of differently weighted means that gradient accumulation could not put together.
    """
    known = {"class_counts": class_counts, "logit_scale": experiment.model.keywords.get("logit_scale")}
    criteria: dict[str, nn.Module] = {}
    for name, factory in experiment.criteria.items():
        criteria[name] = build(f"criteria[{name!r}]", factory, **_asked(factory, known))
        build(f"criteria[{name!r}]", partial(criteria[name]), torch.zeros(1, len(class_counts)), torch.tensor([0]))
    _check_sums(experiment, criteria, len(class_counts))
    return criteria


def _asked(factory: Factory, known: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in known.items() if asks(factory, name)}


def _check_sums(experiment: Experiment, criteria: dict[str, nn.Module], classes: int) -> None:
    """Parts of a sum must be divided by the same number, or a window of several batches is not one batch."""
    if experiment.accumulate == 1:
        return
    images = torch.arange(classes)
    for parts in experiment.criterion_schedule.values():
        divisors = {name: [float(batch_weight(criteria[name], image)) for image in images.split(1)] for name in parts}
        first, *others = divisors
        for other in others:
            if divisors[other] != divisors[first]:
                raise DataError(
                    f"criterion sums {first!r} and {other!r}, whose means are divided by different class weights, and "
                    f"accumulate is {experiment.accumulate}: accumulate=1, or the same class_weights, would be right."
                )
