"""No command unpacks an archive: none of the code can, and what is handed in as one is refused where it lies."""

import ast
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from data.errors import DataError
from data.images import decode_rgb
from data.reading import read_data
from data.splits import PersonSplit
from runners.models import timm_classifier

PROJECT = Path(__file__).parents[2]
PACKAGES = ("experiments", "analysis", "runners", "callbacks", "data")
UNPACKING = {"zipfile", "tarfile", "gzip", "bz2", "lzma", "zipimport", "py7zr", "rarfile"}
CALLS = {"unpack_archive", "extract", "extractall", "make_archive"}
LISTS_MEMBERS = {
    "runners/state.py": {
        "zipfile.ZipFile", "zipfile.ZipFile(io.BytesIO(archive)).infolist", "zipfile.BadZipFile", "zipfile.ZIP_STORED",
    }
}  # fmt: skip


def test_no_code_unpacks_an_archive() -> None:
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            name = path.relative_to(PROJECT).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            unpacking = {each for each in used if each.split(".")[0] in UNPACKING}
            assert unpacking <= LISTS_MEMBERS.get(name, set()), f"{name} uses {unpacking}"
            imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert not imported & UNPACKING or name in LISTS_MEMBERS, f"{name} imports {imported & UNPACKING}"
            called = {each.rpartition(".")[2] for each in used}
            assert not called & CALLS, f"{name} calls {called & CALLS}"


def archives() -> Iterator[tuple[str, bytes]]:
    """Twenty that write outside the folder they are unpacked in, or too much into it."""
    image = io.BytesIO()
    Image.new("RGB", (4, 4)).save(image, "PNG")
    names = ("../climbed.png", "/tmp/climbed.png", "a/../../climbed.png", "..\\climbed.png", "train/train.csv")  # noqa: S108
    for name in names:
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            body = io.BytesIO()
            with zipfile.ZipFile(body, "w", compression) as file:
                file.writestr(name, image.getvalue() if compression == zipfile.ZIP_STORED else bytes(10**6))
            yield "zip", body.getvalue()
        for mode in ("w", "w:gz"):
            body = io.BytesIO()
            with tarfile.open(fileobj=body, mode=mode) as file:  # type: ignore[call-overload]
                link = tarfile.TarInfo("link")
                link.type, link.linkname = tarfile.SYMTYPE, "/"
                file.addfile(link)
                info = tarfile.TarInfo(name)
                info.size = len(image.getvalue())
                file.addfile(info, io.BytesIO(image.getvalue()))
            yield "tar.gz" if mode == "w:gz" else "tar", body.getvalue()


def test_archives_handed_in_stay_closed(tmp_path: Path, figures: Callable[[str, str], None]) -> None:
    place = tmp_path / "deep" / "deeper"
    place.mkdir(parents=True)
    ways: dict[str, Callable[[Path], object]] = {
        "as data": read_data,
        "as the folder of data": lambda path: read_data(path.parent),
        "as an image": decode_rgb,
        "as a split": PersonSplit.from_csv,
        "as weights": lambda path: timm_classifier(
            num_classes=2, backbone="test_resnet", pretrained=str(path), drop_rate=0.0
        ),
    }
    files = list(archives())
    for extension, body in files:
        path = place / f"data.{extension}"
        path.write_bytes(body)
        for way, read in ways.items():
            with pytest.raises(DataError) as caught:
                read(path)
            assert "\n" not in str(caught.value) and path.name in str(caught.value), way
        assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
        path.unlink()
    assert len(files) == 20 and not Path("/tmp/climbed.png").exists()  # noqa: S108 - where an archive above would write
    figures("hostile archives", f"{len(files)} archives, each handed in {len(ways)} ways: nothing was unpacked")
