"""A new experiment module out of an old one: the same text with other values, standing by itself."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import DataError


def variant(source: Path, name: str, parent: str, values: Mapping[str, Any], docstring: str) -> str:
    """The module's text with another docstring, `name`, `parent` and values at some paths ("optimizer.lr").

    Whatever stood there, a number or a constant's name, is replaced by the value; comments and layout stay. What is
    marked as searchable (SEARCH) is left out. DataError where the module does not say EXPERIMENT = Experiment(...).
    """
    text = source.read_text(encoding="utf-8")
    tree = ast.parse(text)
    call = _declaration(tree, source)
    texts = {path: repr(value) for path, value in values.items()}
    texts |= {"name": repr_text(name), "parent": repr_text(parent)}
    edits: list[tuple[ast.expr | ast.stmt, str]] = [
        (_at(call, path.split("."), source), new) for path, new in texts.items()
    ]
    edits.append((tree.body[0], f'"""{docstring}\n"""'))
    edits += [(node, "") for node in tree.body if _assigns(node, "SEARCH")]
    lines = text.splitlines(keepends=True)
    for node, new in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        _replace(lines, node, new)
    return _without_unused_imports("".join(lines))


def repr_text(text: str) -> str:
    """Text in double quotes, as the modules write it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _assigns(node: ast.stmt, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _declaration(tree: ast.Module, source: Path) -> ast.Call:
    for node in tree.body:
        if _assigns(node, "EXPERIMENT") and isinstance(getattr(node, "value", None), ast.Call):
            return node.value  # type: ignore[attr-defined]
    raise DataError(f"{source} does not declare EXPERIMENT = Experiment(...) at its top: it can't be varied.")


def _at(node: ast.expr, steps: list[str], source: Path) -> ast.expr:
    """The expression at a path below a call, a partial or a dict."""
    for step in steps:
        if isinstance(node, ast.Call):
            found = [keyword.value for keyword in node.keywords if keyword.arg == step]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == step]
        else:
            found = []
        if not found:
            raise DataError(f"{source} does not write {'.'.join(steps)} out: stated as a keyword, it can be varied.")
        node = found[0]
    return node


def _replace(lines: list[str], node: ast.AST, new: str) -> None:
    """Put text in an expression's or statement's place; columns are counted in UTF-8 bytes."""
    first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
    before = lines[first].encode()[: node.col_offset].decode()  # type: ignore[attr-defined]
    after = lines[last].encode()[node.end_col_offset :].decode()  # type: ignore[attr-defined]
    lines[first : last + 1] = [before + new + after]


def _without_unused_imports(text: str) -> str:
    """Names imported for what was left out are left out too."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = text.splitlines(keepends=True)
    for node in reversed(tree.body):
        if isinstance(node, ast.ImportFrom):
            kept = [alias for alias in node.names if (alias.asname or alias.name) in used]
            if len(kept) < len(node.names):
                names = ", ".join(ast.unparse(alias) for alias in kept)
                _replace(lines, node, f"from {node.module} import {names}" if kept else "")
    return _squeezed("".join(lines))


def _squeezed(text: str) -> str:
    """No more than two empty lines in a row, and none doubled among imports."""
    lines: list[str] = []
    for line in text.splitlines():
        empty = not line.strip()
        if empty and len(lines) >= 2 and not lines[-1].strip() and not lines[-2].strip():
            continue
        if line.startswith(("from ", "import ")) and len(lines) >= 2 and not lines[-1].strip():
            if lines[-2].startswith("from ") and lines[-2].split(".")[0] == line.split(".")[0]:
                lines.pop()
        lines.append(line)
    return "\n".join(lines).rstrip() + "\n"
