import ast
import dataclasses
from pathlib import Path

import pytest

from data.reading import read_data
from runners import identity as module
from runners.identity import folds_table, identity, identity_parts
from runners.sources import NOTHING, Sources


@pytest.fixture
def parts(competition: Path, declare, tmp_path: Path):
    """Identity parts of a small run; keywords change what goes into them."""
    data = read_data(competition)
    source = tmp_path / "tiny.py"
    source.write_text('"""Question?"""\nx = 1  # why\n')

    def make(*, record=None, seed=1, images=None, text=None, older=0, fast: bool = False, sources: Sources = NOTHING):
        if text is not None:
            source.write_text(text)
        table = data.train.assign(years=data.train["years"] + older)
        here = dataclasses.replace(data, train=table.head(images) if images else table)
        folds = declare().split().assign(here.train, seed=seed)
        return identity_parts(record or declare().record(), folds_table(here, folds), here, source, fast, sources)

    return make


def test_the_same_run_has_the_same_identity(parts) -> None:
    assert parts() == parts() and len(identity(parts())) == 10


def test_each_part_names_what_differs(parts, declare) -> None:
    def changed(**changes: object) -> set[str]:
        first, second = parts(), parts(**changes)
        return {name for name in first if first[name] != second[name]}

    assert changed(record=declare(epochs=9).record()) == {"experiment"}
    assert changed(seed=2) == {"split"}
    assert changed(images=70) == {"split", "data"}
    assert changed(older=1) == {"data"}, "losses and soft targets are made of ages too"
    assert changed(fast=True) == {"mode"}
    assert changed(text="x = 2\n") == {"code"}
    assert changed(sources=Sources(origin={"epochs": {"run": "baseline 0123456789", "epochs": 7}})) == {"sources"}


def test_the_content_of_a_file_that_is_named_is_part_of_the_run(parts, declare, tmp_path: Path) -> None:
    from functools import partial

    from runners.models import timm_classifier

    weights = tmp_path / "w.pth"
    weights.write_bytes(b"first")
    model = partial(timm_classifier, backbone="test_resnet", pretrained=str(weights), drop_rate=0.0)
    record = declare(model=model).record()
    first = parts(record=record)
    assert first == parts(record=record)
    weights.write_bytes(b"other")
    assert {name for name, digest in parts(record=record).items() if digest != first[name]} == {"files"}


def test_the_projects_own_code_and_the_names_of_classes_are_part_of_the_run(
    parts, monkeypatch, tmp_path: Path, competition: Path, declare
) -> None:
    first = parts()
    (tmp_path / "new.py").write_text("y = 1")
    files = module._code_files()
    monkeypatch.setattr(module, "_code_files", lambda: [*files, tmp_path / "new.py"])
    assert {name for name, digest in parts().items() if digest != first[name]} == {"code"}
    data = read_data(competition)
    renamed = dataclasses.replace(data, class_names=(*data.class_names[:-1], "another"))
    assert module._manifest(data) != module._manifest(renamed)


def test_comments_and_docstrings_are_no_part_of_the_code(parts) -> None:
    first = parts(text='"""Question?"""\nx = 1  # why\n')
    assert first == parts(text='"""Question?  Result: 0.8."""\n\nx  =  1\n')
    assert first != parts(text="x = 2\n")
    inner = "class A:\n    async def f(self):\n        {}\n        return {}\n"
    assert parts(text=inner.format('"""Old."""', "x")) == parts(text=inner.format('"""New."""  # why', "x"))
    assert parts(text=inner.format("g()", "x")) != parts(text=inner.format("g", "x"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = 1", "y = 1"),
        ("x = [1, 2], 3", "x = [1], 2, 3"),
        ("f(a, b)", "f(a, b=b)"),
        ("x = 'a b'", "x = 'a', 'b'"),
        ("if x:\n    a\nb", "if x:\n    a\n    b"),
        ("def f():\n    'a'\n    b", "def f():\n    b\n    'a'"),
    ],
)
def test_programs_that_differ_are_spelt_differently(one: str, other: str, tmp_path: Path) -> None:
    assert ast.dump(ast.parse(one)) != ast.dump(ast.parse(other))
    path = tmp_path / "tiny.py"
    spelt = [module._normalised(path) for text in (one, other) if path.write_text(text)]
    assert spelt[0] != spelt[1]


def test_images_of_another_size_are_other_data(competition: Path, declare, tmp_path: Path) -> None:
    import shutil

    copy, source = tmp_path / "copy", tmp_path / "tiny.py"
    shutil.copytree(competition, copy)
    source.write_text("x = 1")

    def data_hash() -> str:
        data = read_data(copy)
        folds = declare().split().assign(data.train, seed=1)
        return identity_parts(declare().record(), folds_table(data, folds), data, source, False)["data"]

    first = data_hash()
    assert first == data_hash()
    for part in ("train", "eval"):  # a training image, then a test image
        before = data_hash()
        image = next(path for path in sorted((copy / part).rglob("*.jpg")) if not path.name.startswith("."))
        image.write_bytes(image.read_bytes() + b" ")
        assert data_hash() != before


def test_the_code_is_everything_a_result_depends_on() -> None:
    names = {path.relative_to(module._PROJECT).as_posix() for path in module._code_files()}
    assert {"data/splits.py", "callbacks/f1.py", "runners/fold.py"} <= names
    assert not any(name.startswith(("analysis", "tests")) for name in names)
