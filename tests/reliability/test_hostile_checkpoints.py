"""Nothing that a checkpoint or an array file names is imported, called or unpacked: no side effect, one sentence."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile_pickles import hostile_arrays, hostile_checkpoints

from data.cache import IMAGES, INDEX, ImageCache, cached_images
from data.errors import DataError
from runners import state
from runners.fold_state import FoldState
from runners.models import timm_classifier
from runners.run_folder import FoldFolder

END = b"PK\x05\x06"


def sealed(body: bytes) -> bytes:
    """With the checksum of a file of ours, where there is a place for it: an attacker can compute it too."""
    return state._seal(body) if body[-22:-18] == END else body


def one_sentence(error: BaseException, path: Path) -> None:
    assert path.name in str(error) and "\n" not in str(error) and len(str(error)) < 700, str(error)


@pytest.mark.filterwarnings("ignore")
def test_hostile_checkpoints_do_nothing(tmp_path: Path, figures: Callable[[str, str], None]) -> None:
    marker, before = tmp_path / "owned", set()
    files = hostile_checkpoints(marker)
    folder = FoldFolder(tmp_path / "run-0123456789" / "fold_0")
    folder.root.mkdir(parents=True)
    before = {path.name for path in tmp_path.iterdir()}
    for name, body in files.items():
        for content in (body, sealed(body)):
            said: list[str] = []
            folder.state.write_bytes(content)
            with pytest.raises(DataError) as caught:
                state.read_checkpoint(folder.state)
            one_sentence(caught.value, folder.state)
            assert FoldState(folder, said.append).load() is None
            assert len(said) == 1 and folder.state.name in said[0], name
            for weights in (folder.root / "weights.pth", folder.root / "weights.safetensors"):
                weights.write_bytes(content)
                with pytest.raises(DataError) as caught:
                    timm_classifier(num_classes=2, backbone="test_resnet", pretrained=str(weights), drop_rate=0.0)
                one_sentence(caught.value, weights)
            assert not marker.exists(), name
    assert {path.name for path in tmp_path.iterdir()} == before
    figures("hostile checkpoints", f"{len(files)} files, sealed and not, as state and as weights: no side effect")


def test_the_files_are_hostile_indeed(tmp_path: Path) -> None:
    """Loaded as most projects do, most of them make their mark: the campaign is not won against harmless files."""
    struck = []
    for name, body in hostile_checkpoints(tmp_path / "owned").items():
        (tmp_path / "a.pth").write_bytes(body)
        try:
            torch.load(tmp_path / "a.pth", weights_only=False)
        except Exception:  # noqa: S110 - whatever comes after the mark was made
            pass
        if (tmp_path / "owned").exists():
            (tmp_path / "owned").rmdir()
            struck.append(name)
    assert len(struck) >= 8, struck


def test_hostile_arrays_do_nothing(tmp_path: Path, figures: Callable[[str, str], None]) -> None:
    marker = tmp_path / "owned"
    files = hostile_arrays(marker)
    (tmp_path / "0123").mkdir()
    cache = ImageCache(tmp_path / "0123", (2, 2))
    before = {path.name for path in tmp_path.iterdir()}
    for name, body in files.items():
        for content in (body, sealed(body)):
            path = cache.folder / "oof.npz"
            path.write_bytes(content)
            with pytest.raises(DataError) as caught:
                state.read_arrays(path)
            one_sentence(caught.value, path)
            (cache.folder / IMAGES).write_bytes(content)
            (cache.folder / INDEX).write_text('{"paths": ["a.jpg"], "checks": [0]}')
            assert not cache.is_whole()
            with pytest.raises((ValueError, OSError)):
                cached_images([cache], ["a.jpg"])[0]  # type: ignore[index]
            path.unlink()
            assert not marker.exists(), name
    assert {path.name for path in tmp_path.iterdir()} == before
    figures("hostile arrays", f"{len(files)} files, sealed and not, as .npz and as cache: no side effect")


def test_arrays_of_many_members_over_the_same_bytes_are_refused(tmp_path: Path) -> None:
    """A zip may list one member a thousand times: a megabyte that becomes a gigabyte."""
    state.write_arrays(tmp_path / "a.npz", {"a": np.zeros(1000)})
    body = state._unseal(tmp_path / "a.npz")
    start = body.index(b"PK\x01\x02")
    entry = body[start : body.index(END)]
    copies = b"".join(entry.replace(b"a.npy", f"{chr(98 + number)}.npy".encode()) for number in range(20))
    size = (len(copies) + len(entry)).to_bytes(4, "little")
    ending = END + bytes(4) + (21).to_bytes(2, "little") * 2 + size + start.to_bytes(4, "little") + bytes(2)
    (tmp_path / "many.npz").write_bytes(state._seal(body[:start] + entry + copies + ending))
    with pytest.raises(DataError, match=r"many.npz is refused: [\d,]+ bytes would become 1\d\d,\d+"):
        state.read_arrays(tmp_path / "many.npz")
