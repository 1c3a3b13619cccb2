"""What makes a run this run: hashes of the declaration, the split, the data, what it takes from elsewhere, the code."""

import ast
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from data.metadata import ImageData
from runners.sources import NOTHING, Sources
from runners.state import file_digest

FOLD_COLUMNS = ["image_id", "path", "person", "target", "fold"]
_LONGEST_PATH = 4096  # of Linux; a longer text names no file
_PROJECT = Path(__file__).parent.parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_PACKAGES = ("data", "callbacks", "runners")  # what a result depends on; analysis only reads results


def folds_table(data: ImageData, folds: Any) -> pd.DataFrame:
    """The split as data: one row a training image, with the fold (N,) that validates it."""
    return data.train.assign(fold=folds)[FOLD_COLUMNS]


def identity_parts(
    record: dict[str, Any],
    folds: pd.DataFrame,
    data: ImageData,
    source: Path,
    fast: bool,
    sources: Sources = NOTHING,
) -> dict[str, str]:
    """One hash each for declaration, split, data, files, sources and code, so that a difference can be named."""
    return {
        "experiment": _digest(json.dumps(record, sort_keys=True)),
        "split": _digest(folds.to_csv(index=False)),
        "data": _digest(json.dumps([_manifest(data), _ages(data)])),
        "files": _digest(json.dumps(_named_files(record))),
        "sources": _digest(json.dumps(sources.origin, sort_keys=True)),
        "code": _digest("\n".join(_normalised(path) for path in [*_code_files(), source])),
        "mode": "fast" if fast else "full",
    }


def identity(parts: dict[str, str]) -> str:
    """Ten hexadecimal digits that name the run."""
    return _digest(json.dumps(parts, sort_keys=True))[:10]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _manifest(data: ImageData) -> list[tuple[str, int]]:
    """(path, bytes) of every image: reading a gigabyte of contents at each start would cost more than it tells."""
    top, paths = str(data.root), data.train["path"].tolist() + data.test["path"].tolist()
    sizes = [(path, os.stat(os.path.join(top, path)).st_size) for path in paths]  # a Path of each would take longer
    return sizes + [(name, 0) for name in data.class_names]


def _ages(data: ImageData) -> list[str]:
    """Each training image's age in years, which losses and soft targets may be made of, where the data has them."""
    return list(map(str, data.train["years"])) if "years" in data.train else []


def _named_files(record: Any) -> list[str]:
    """Hashes of the files that a declaration names (weights, a split, corrections), in its order."""
    if isinstance(record, dict | list):
        values = record.values() if isinstance(record, dict) else record
        return [digest for value in values for digest in _named_files(value)]
    named = isinstance(record, str) and ("/" in record or "." in record) and len(record) < _LONGEST_PATH
    return [file_digest(Path(record))] if named and Path(record).is_file() else []


def _code_files() -> list[Path]:
    return sorted(path for package in _PACKAGES for path in (_PROJECT / package).glob("*.py"))


def _normalised(path: Path) -> str:
    """A module without comments, layout and docstrings: the result of a run may be written into its docstring."""
    words = [path.name]
    _spell(ast.parse(path.read_text(encoding="utf-8")), words)
    return " ".join(words)


def _spell(node: object, words: list[str]) -> None:
    """Append the types and values of a tree, docstrings left out; a run waits for it, and ast.dump takes longer."""
    if isinstance(node, ast.AST):
        words.append(node.__class__.__name__)
        documented = isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None
        for field in node._fields:
            if field != "ctx":  # whether a name is read or written follows from where it stands
                value = getattr(node, field)
                _spell(value[1:] if documented and field == "body" else value, words)
    elif isinstance(node, list):
        words.append("[")
        for inner in node:
            _spell(inner, words)
        words.append("]")
    else:
        words.append(repr(node))
