import hashlib
import io
from functools import partial
from pathlib import Path

import pytest
import torch

from data.errors import DataError
from runners.models import packaged_weights, timm_classifier

tiny = partial(timm_classifier, num_classes=7, backbone="test_resnet", drop_rate=0.0)


def test_any_backbone_gets_a_head_of_n_classes_on_uint8_images() -> None:
    images = torch.randint(0, 256, (2, 40, 32, 3), dtype=torch.uint8)
    for backbone in ("test_resnet", "test_efficientnet", "test_vit"):
        if backbone == "test_vit":
            images = torch.randint(0, 256, (2, 160, 160, 3), dtype=torch.uint8)
        assert tiny(backbone=backbone, pretrained=None)(images).shape == (2, 7)


def test_images_are_normalised_as_the_backbone_expects() -> None:
    model = tiny(pretrained=None).eval()
    images = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    mean, std = (torch.tensor(model.backbone.pretrained_cfg[name]) for name in ("mean", "std"))
    reference = ((images / 255 - mean) / std).permute(0, 3, 1, 2)
    assert torch.allclose(model(images), model.backbone(reference), atol=1e-5)


def test_the_batch_reaches_the_backbone_in_channels_last() -> None:
    model, seen = tiny(pretrained=None), []
    model.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(torch.zeros(2, 32, 32, 3, dtype=torch.uint8))
    assert seen[0].is_contiguous(memory_format=torch.channels_last) and seen[0].shape == (2, 3, 32, 32)


def test_unknown_backbone_lists_the_nearest() -> None:
    with pytest.raises(DataError, match="timm has no model 'resnet19'; the nearest names are: .*resnet18"):
        tiny(backbone="resnet19", pretrained=None)


def test_a_local_file_gives_all_weights_but_the_head(tmp_path: Path) -> None:
    source = tiny(pretrained=None, num_classes=3)
    file = tmp_path / "weights.pth"
    torch.save(source.backbone.state_dict(), file)
    loaded = tiny(pretrained=str(file))
    assert torch.equal(loaded.backbone.conv1[0].weight, source.backbone.conv1[0].weight)
    assert loaded.backbone.fc.weight.shape[0] == 7


def test_weights_that_do_not_fit_or_are_not_there_are_named(tmp_path: Path) -> None:
    file = tmp_path / "other.pth"
    torch.save(tiny(backbone="test_efficientnet", pretrained=None).backbone.state_dict(), file)
    with pytest.raises(DataError, match=r"other.pth does not fit the backbone: \d+ of \d+ tensors"):
        tiny(pretrained=str(file))
    with pytest.raises(DataError, match=r"missing.pth does not exist: pretrained takes None, \"hub\", \"package\""):
        tiny(pretrained=str(tmp_path / "missing.pth"))
    with pytest.raises(DataError, match="No package ships weights for test_resnet; .*: tf_efficientnet_lite0"):
        tiny(pretrained="package")


def test_a_file_that_is_no_state_dict_is_refused(tmp_path: Path) -> None:
    no_tensors = {name: io.BytesIO() for name in ("list", "number")}
    torch.save([torch.zeros(2)], no_tensors["list"])
    torch.save({"epoch": 3}, no_tensors["number"])
    bodies = {"text.pth": b"no weights", "empty.pth": b"", "text.safetensors": b"no weights"}
    for name, body in (bodies | {f"{name}.pth": kept.getvalue() for name, kept in no_tensors.items()}).items():
        (tmp_path / name).write_bytes(body)
        with pytest.raises(DataError, match=f"{name} does not load as weights and nothing else"):
            tiny(pretrained=str(tmp_path / name))


def test_a_file_named_after_its_checksum_is_held_to_it(tmp_path: Path) -> None:
    body = io.BytesIO()
    torch.save(tiny(pretrained=None).backbone.state_dict(), body)
    digest = hashlib.sha256(body.getvalue()).hexdigest()
    for name in (f"weights-{digest[:8]}.pth", f"weights-{digest}.pth", "other-00000000.pth"):
        (tmp_path / name).write_bytes(body.getvalue())
    tiny(pretrained=str(tmp_path / f"weights-{digest[:8]}.pth"))
    tiny(pretrained=str(tmp_path / f"weights-{digest}.pth"))
    with pytest.raises(DataError, match="other-00000000.pth is damaged or another: its sha256 does not begin with 000"):
        tiny(pretrained=str(tmp_path / "other-00000000.pth"))


def test_without_a_network_the_error_says_what_to_give(monkeypatch) -> None:
    import timm

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(DataError, match=r"could not be downloaded \(OSError\): give a file .*test_resnet.pth"):
        tiny(pretrained="hub")


def test_packaged_weights_know_a_flower_when_they_see_one() -> None:
    """The tensors come under other names: a wrong order or normalisation would not give a daisy."""
    import cv2
    from sklearn.datasets import load_sample_image

    model = timm_classifier(num_classes=7, backbone="tf_efficientnet_lite0", pretrained="package", drop_rate=0.0).eval()
    weights = torch.load(packaged_weights("tf_efficientnet_lite0"), weights_only=True)
    model.backbone.reset_classifier(1000)
    model.backbone.classifier.load_state_dict({"weight": weights["_fc.weight"], "bias": weights["_fc.bias"]})
    flower = cv2.resize(load_sample_image("flower.jpg")[:, 106:533], (224, 224), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        assert model(torch.from_numpy(flower)[None]).argmax().item() == 985  # ImageNet's daisy


def test_dropout_and_memory_layout_are_as_declared() -> None:
    model = tiny(pretrained=None, drop_rate=0.35)
    assert model.backbone.drop_rate == 0.35
    filters = [weights for weights in model.backbone.parameters() if weights.ndim == 4 and weights.shape[2] > 1]
    assert filters and all(weights.is_contiguous(memory_format=torch.channels_last) for weights in filters)
