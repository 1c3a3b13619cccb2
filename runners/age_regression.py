"""Age as a number: a network that gives mask state, gender and an age in years, and a loss on the years.

To all else the network is a classifier of the 18 classes. The age's three buckets get the shares that a logistic
distribution about it has between their borders (data.ages), and mask state, gender and bucket multiply. Nothing is lost
on the way: the age comes back from the log-probabilities, so losses and errors in years need no output of their own,
and validation, views, folds and ensembles average probabilities as they do for any network.
"""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from data.ages import AGE_BORDERS
from data.competition import COMPETITION_YEARS
from data.labels import AGE_BUCKETS, CLASS_NAMES, GENDERS, MASK_STATES
from runners.factor_models import joint_log_probabilities
from runners.models import ImageClassifier, timm_classifier

_MIDDLE = sum(COMPETITION_YEARS) / 2  # years of an output of 0


class AgeOutput(nn.Module):
    """(B, 6) of a head, 3 mask states, 2 genders and an age -> (B, 18) log-probabilities of the classes.

    The age's number counts in spreads from 39 years: one more is one more of the log-odds of lying above a border, so
    that it moves as fast as any other logit. In plain years its loss would drown the others for epochs. Computed in
    float32 also under mixed precision.
    """

    def __init__(self, age_spread: float) -> None:
        super().__init__()
        if not age_spread > 0:
            raise ValueError(f"age_spread is {age_spread}: years above 0, such as 3, would be right")
        self.age_spread = age_spread

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Log-probabilities of a batch."""
        mask, gender, age = numbers.float().split((len(MASK_STATES), len(GENDERS), 1), 1)
        years = _MIDDLE + self.age_spread * age[:, 0]  # (B,)
        return joint_log_probabilities([mask, gender, bucket_log_shares(years, self.age_spread)])


def bucket_log_shares(years: torch.Tensor, age_spread: float) -> torch.Tensor:
    """Logarithms of data.ages.bucket_shares, (B,) -> (B, 3), finite and with a gradient however far an age lies."""
    first, last = ((border - years) / age_spread for border in AGE_BORDERS)  # (B,) each
    gap = torch.tensor((AGE_BORDERS[0] - AGE_BORDERS[1]) / age_spread, device=years.device, dtype=years.dtype)
    between = functional.logsigmoid(last) + functional.logsigmoid(-first) + torch.log(-torch.expm1(gap))
    return torch.stack([functional.logsigmoid(first), between, functional.logsigmoid(-last)], 1)


def predicted_years(logits: torch.Tensor, age_spread: float) -> torch.Tensor:
    """Ages (B,) behind the log-probabilities (B, 18) of an AgeOutput, with a gradient.

    As data.ages.years_of_shares, but from the first border alone: in one distribution both give the same age.
    """
    joint = logits.float().log_softmax(1)
    young, middle, old = joint.view(len(logits), -1, len(AGE_BUCKETS)).logsumexp(1).unbind(1)  # (B,) each
    return AGE_BORDERS[0] + age_spread * (torch.logaddexp(middle, old) - young)


class YearsError(nn.Module):
    """Mean over the batch of a loss of years, such as torch's mse_loss, l1_loss or partial(huber_loss, delta=5.0).

    Compares the batch's "years" (B,) with the age behind the logits (B, 18) of `age_regression`. An image whose age is
    not known (NaN) adds nothing. `age_spread` is the model's. The loss is in years, or years squared: its weight in a
    sum with cross entropies is what brings them to one scale.
    """

    target_key = "years"

    def __init__(self, *, loss: Callable[..., torch.Tensor], age_spread: float) -> None:
        super().__init__()
        self.loss, self.age_spread = loss, age_spread

    def forward(self, logits: torch.Tensor, years: torch.Tensor) -> torch.Tensor:
        """logits (B, 18), years (B,) -> scalar."""
        predicted = predicted_years(logits, self.age_spread)
        wanted = torch.where(torch.isnan(years), predicted.detach(), years.to(predicted.dtype))
        return self.loss(predicted, wanted, reduction="none").mean()


def age_regression(
    *, num_classes: int, backbone: str, pretrained: str | None, drop_rate: float, age_spread: float
) -> ImageClassifier:
    """A timm backbone with a head of 6 numbers, mask states, genders and an age; other arguments as of timm_classifier.

    age_spread: scale in years of the logistic distribution about a predicted age, the larger, the softer the borders
    of the buckets; and the years that one more of the head's number is.
    """
    if num_classes != len(CLASS_NAMES):
        raise ValueError(
            f"ages are those of the mask competition's {len(CLASS_NAMES)} classes; the data has {num_classes}"
        )
    network = timm_classifier(
        num_classes=len(MASK_STATES) + len(GENDERS) + 1,
        backbone=backbone,
        pretrained=pretrained,
        drop_rate=drop_rate,
    )
    network.output = AgeOutput(age_spread)
    return network
