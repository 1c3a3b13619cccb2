import pytest
import torch
from torch.nn import functional

from data.errors import DataError
from runners.cosine_head import CosineHead, cosine_classifier
from runners.models import timm_classifier

SETTINGS = {"num_classes": 4, "backbone": "test_resnet", "pretrained": None, "drop_rate": 0.0}


def test_logits_are_scaled_cosines() -> None:
    head, features = CosineHead(8, 3, scale=16.0), torch.randn(5, 8) * 100
    expected = functional.cosine_similarity(features[:, None], head.weight[None], dim=2) * 16
    assert torch.allclose(head(features), expected, atol=1e-5)
    assert torch.allclose(head(features * 7), head(features), atol=1e-5), "the length of a feature says nothing"


def test_it_stands_in_the_place_of_the_linear_layer() -> None:
    """Under its name, so that what tells a head from a backbone by timm's names goes on working."""
    model = cosine_classifier(**SETTINGS, logit_scale=30.0).eval()
    assert isinstance(model.backbone.fc, CosineHead) and "backbone.fc.weight" in model.state_dict()
    logits = model(torch.randint(0, 256, (3, 32, 24, 3), dtype=torch.uint8))
    assert logits.shape == (3, 4) and logits.abs().max() <= 30 and logits.abs().max() > 0
    plain = timm_classifier(**SETTINGS)
    assert set(model.state_dict()) == set(plain.state_dict()) - {"backbone.fc.bias"}


def test_mixed_precision_leaves_the_cosines_alone() -> None:
    head, features = CosineHead(64, 3, scale=30.0), torch.randn(5, 64)
    with torch.autocast("cpu", torch.bfloat16):
        logits = head(features)
    assert logits.dtype == torch.float32 and torch.equal(logits, head(features))


def test_a_scale_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="logit_scale is 0"):
        cosine_classifier(**SETTINGS, logit_scale=0)


def test_a_backbone_without_one_linear_layer_is_one_sentence() -> None:
    with pytest.raises(DataError, match="the classifier of resnetv2_50x1_bit is Conv2d, not one linear layer"):
        cosine_classifier(**(SETTINGS | {"backbone": "resnetv2_50x1_bit"}), logit_scale=30.0)
