"""Optimizers: torch's classes as they are, timm's by name, on the groups of parameters that an experiment declares."""

import difflib
from functools import partial
from typing import Any

from torch import nn
from torch.optim import Adam, AdamW, Optimizer

from data.errors import DataError
from runners.experiment import Factory, build
from runners.precision import Precision

# Refused: a continued fold would end with other bits, or without the gradients' graph there is no step at all.
_UNFIT = {
    "kron": "keeps a part of its state that it doesn't save, so that a continued fold would not be exact",
    "adahessian": "needs second derivatives, which a plain backward pass doesn't give",
}
_FORMS = {"fused", "foreach", "capturable", "differentiable"}


def timm_optimizer(params: Any, *, optimizer: str, lr: float, **settings: Any) -> Optimizer:
    """One of timm's optimizers by its name ("lion", "adan", "lamb", "nadamw" ...), with that class's own settings.

    Raises DataError for an unknown name (lists the nearest) and for one that can't be used here (why), TypeError for a
    setting that the optimizer doesn't have: timm's own factory would drop it without a word.
    """
    from timm.optim import get_optimizer_class, list_optimizers  # here: two seconds that --help need not wait for

    known = list_optimizers()
    if optimizer not in known:
        near = difflib.get_close_matches(optimizer, known, n=5, cutoff=0.4)
        raise DataError(f"timm has no optimizer {optimizer!r}; the nearest names are: {', '.join(near) or 'none'}.")
    for unfit, reason in _UNFIT.items():
        if optimizer.startswith(unfit):
            raise DataError(f"optimizer: timm's {optimizer} {reason}: another one would be right.")
    try:
        made: Optimizer = get_optimizer_class(optimizer)(params, lr=lr, **settings)
    except (AssertionError, ImportError) as error:  # those for CUDA only, of other packages
        raise DataError(f"optimizer: timm's {optimizer} can't be had here ({error}).") from error
    return made


def fused(optimizer: Factory) -> Factory:
    """The declared optimizer; Adam and AdamW in their fused form: the same formulas in one pass over memory.

    A form that is declared (fused, foreach, capturable, differentiable) stays. SGD's fused form does not take a group
    of which some parameters have their first gradient later than others, as those of a backbone that thaws, and
    Adagrad's not a state that is made before the weights are on their device.
    """
    if optimizer.func not in (Adam, AdamW) or optimizer.keywords.keys() & _FORMS:
        return optimizer
    return partial(optimizer.func, **optimizer.keywords, fused=True)


def make_optimizer(
    optimizer: Factory, parameters: Factory | None, model: nn.Module, precision: Precision = "no"
) -> Optimizer:
    """The declared optimizer on the declared groups; a group's "lr_scale" scales the rate that the optimizer states.

    Under fp16 it is not fused: whether the scaler skipped a step would not be seen any more, and averages count steps.
    """
    groups = build("parameters", parameters, model) if parameters else model.parameters()
    made: Optimizer = build("optimizer", optimizer if precision == "fp16" else fused(optimizer), groups)
    for group in made.param_groups:
        group["lr"] *= group.pop("lr_scale", 1.0)
    return made
