"""The question an experiment asks: the first line of its docstring, read without running the module."""

import ast
from pathlib import Path


def question(source: Path) -> str:
    """First line of a module's docstring; empty where it has none."""
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0]
