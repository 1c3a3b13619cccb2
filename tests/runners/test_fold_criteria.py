from functools import partial

import pytest
import torch

from data.errors import DataError
from runners.cosine_head import cosine_classifier
from runners.criteria import CrossEntropy, inverse_frequency
from runners.fold_criteria import build_criteria
from runners.margin_losses import LDAM, ArcFace

COUNTS = torch.tensor([2, 1, 1])
COSINE = partial(cosine_classifier, backbone="test_resnet", pretrained=None, drop_rate=0.0, logit_scale=16.0)


def test_criteria_are_given_what_they_ask_for(declare) -> None:
    criteria = {"ldam": partial(LDAM, max_margin=0.5), "arcface": partial(ArcFace, margin=0.2)}
    criteria["weighted"] = partial(CrossEntropy, class_weights=inverse_frequency)
    built = build_criteria(declare(model=COSINE, criteria=criteria, criterion="ldam"), COUNTS)
    assert built["ldam"].logit_scale == built["arcface"].logit_scale == 16.0
    assert torch.equal(built["ldam"].margins, LDAM(max_margin=0.5, class_counts=COUNTS, logit_scale=1).margins)
    assert torch.equal(built["weighted"].weights, inverse_frequency(COUNTS))


def test_a_margin_on_logits_that_are_no_cosines_is_refused(declare) -> None:
    with pytest.raises(DataError, match=r"criteria\['arc'\] puts its margin on cosines and model declares no logit_sc"):
        declare(criteria={"arc": partial(ArcFace, margin=0.2)}, criterion="arc")
