"""The declared criteria as a fold needs them: told what they ask for, and tried on a batch before training."""

from functools import partial

import torch
from torch import nn

from runners.experiment import Experiment, Factory, asks, build


def build_criteria(experiment: Experiment, class_counts: torch.Tensor) -> dict[str, nn.Module]:
    """Every declared criterion by name; those that ask get the training rows' counts (C,) and what the model declares.

    Raises DataError for one that refuses its values, or logits of C classes (weights of another number of classes,
    say).
    """
    declared = experiment.model.keywords
    known = {"class_counts": class_counts, **{name: declared.get(name) for name in ("logit_scale", "age_spread")}}
    criteria: dict[str, nn.Module] = {}
    for name, factory in experiment.criteria.items():
        criteria[name] = build(f"criteria[{name!r}]", factory, **_asked(factory, known))
        build(f"criteria[{name!r}]", partial(criteria[name]), torch.zeros(1, len(class_counts)), torch.tensor([0]))
    return criteria


def _asked(factory: Factory, known: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in known.items() if asks(factory, name)}
