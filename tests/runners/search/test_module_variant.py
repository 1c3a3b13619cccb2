import ast
import importlib.util
import sys
from pathlib import Path

import pytest

from data.errors import DataError
from runners.search.module_variant import variant

FOCAL = Path(__file__).parents[3] / "experiments" / "focal_kfold.py"


def declared(text: str, folder: Path, name: str):
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.EXPERIMENT


def test_a_variant_stands_by_itself_and_differs_only_where_it_was_asked_to(tmp_path: Path) -> None:
    values = {"optimizer.lr": 0.00123, "criteria.focal.gamma": 1.5, "batch_size": 8, "epochs": 3}
    text = variant(FOCAL, "focal_tuned", "focal_kfold", values, "Does it hold?\n\nCopied from: focal_kfold.py")
    first = declared(FOCAL.read_text(), tmp_path, "focal_kfold").record()
    second = declared(text, tmp_path, "focal_tuned").record()
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"name", "parent", "batch_size", "epochs", "criteria", "optimizer"}
    assert second["optimizer"]["with"]["lr"] == 0.00123 and second["criteria"]["focal"]["with"]["gamma"] == 1.5
    assert second["name"] == "focal_tuned" and second["parent"] == "focal_kfold"
    assert ast.get_docstring(ast.parse(text)).startswith("Does it hold?") and "# height, width" in text


def test_what_was_searched_is_left_out_with_its_imports(tmp_path: Path) -> None:
    source = tmp_path / "searched.py"
    declaration = 'EXPERIMENT = Experiment(\n    name="searched", parent=None, note="ü", lr=LR,  # why\n)\n'
    imports = "from runners.experiment import Experiment\nfrom runners.search.search_space import LogUniform, Uniform\n"
    source.write_text(f'"""A?"""\n\n{imports}\nLR = 1\n\n{declaration}\nSEARCH = {{\n    "lr": LogUniform(1, 2),\n}}\n')
    text = variant(source, "found", "searched", {"lr": 1.5}, "B?")
    assert "SEARCH" not in text and "LogUniform" not in text and "search_space" not in text
    assert 'name="found", parent="searched", note="ü", lr=1.5,  # why' in text
    assert text.startswith('"""B?\n"""\n') and text.endswith(")\n")


def test_a_module_that_declares_otherwise_is_one_sentence(tmp_path: Path) -> None:
    source = tmp_path / "other.py"
    source.write_text('"""A?"""\nfrom x import EXPERIMENT\n')
    with pytest.raises(DataError, match="does not declare EXPERIMENT = Experiment"):
        variant(source, "b", "other", {}, "B?")
    source.write_text('"""A?"""\nEXPERIMENT = Experiment(name="a", parent=None, **rest)\n')
    with pytest.raises(DataError, match="does not write optimizer.lr out"):
        variant(source, "b", "other", {"optimizer.lr": 1}, "B?")
