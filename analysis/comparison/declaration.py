"""A recorded declaration as named plain values, and what was changed from one record to another."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("name", "parent")  # they tell experiments apart, and change nothing


@dataclass(frozen=True)
class Change:
    """One declared value that differs; before or after is None where the field is not there at all."""

    field: str
    before: str | None
    after: str | None

    @property
    def text(self) -> str:
        """In words: `optimizer.lr 0.003 -> 0.001`."""
        if self.before is None:
            return f"{self.field} = {self.after} added"
        return f"{self.field} removed" if self.after is None else f"{self.field} {self.before} -> {self.after}"


def flatten(record: Mapping[str, Any], full: bool = True) -> dict[str, str]:
    """Every declared value by its path: {"optimizer": "AdamW", "optimizer.lr": "0.003"}.

    full: functions by the name they are imported under ("torch.optim.adamw.AdamW"), which alone tells them apart.
    """
    values: dict[str, str] = {}
    for field, value in record.items():
        if field not in NAMES:
            _flatten(field, value, full, values)
    return values


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What was changed from one record of an experiment to another; another function is one change."""
    found: list[Change] = []
    for field in _union(before, after):
        if field not in NAMES:
            _compare(field, before, after, field, found)
    return found


def differing(records: Sequence[Mapping[str, str]]) -> list[str]:
    """Fields of flattened records whose values are not the same in all, in the order of the declaration."""
    fields = dict.fromkeys(field for record in records for field in record)
    return [field for field in fields if len({record.get(field) for record in records}) > 1]


def _flatten(path: str, value: Any, full: bool, values: dict[str, str]) -> None:
    inner: Mapping[str, Any] = {}
    if _is_call(value):
        values[path] = rendered({"name": value["call"]}, full)
        inner = value["with"]
    elif _is_group(value) and value and not all(key.isdecimal() for key in value):  # {epoch: criterion} is one value
        inner = value
    else:
        values[path] = rendered(value, full)
    for key, item in inner.items():
        _flatten(f"{path}.{key}", item, full, values)


def _compare(path: str, before: Mapping[str, Any], after: Mapping[str, Any], key: str, found: list[Change]) -> None:
    """Add what differs at `key` of two mappings, down to the innermost value."""
    if key not in before or key not in after:
        kept = before.get(key, after.get(key))
        found.append(Change(path, rendered(kept), None) if key in before else Change(path, None, rendered(kept)))
        return
    old, new = before[key], after[key]
    if json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True):  # not ==: that holds False for 0
        return
    inner = _inner(old, new)
    if inner is None:
        texts = rendered(old), rendered(new)
        if texts[0] == texts[1]:  # two functions of the same short name
            texts = rendered(old, full=True), rendered(new, full=True)
        found.append(Change(path, *texts))
        return
    for name in _union(*inner):
        _compare(f"{path}.{name}", *inner, name, found)


def _inner(old: Any, new: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """What two values hold, where it can be told apart name by name: arguments of one function, or two dicts."""
    if _is_call(old) and _is_call(new):
        return (old["with"], new["with"]) if old["call"] == new["call"] else None
    return (old, new) if _is_group(old) and _is_group(new) else None


def rendered(value: Any, full: bool = False) -> str:
    """A recorded value as one would write it: FocalLoss(gamma=2.0), (128, 96), None."""
    if _is_call(value):
        given = ", ".join(f"{key}={rendered(item, full)}" for key, item in value["with"].items())
        return f"{value['call'] if full else _short(value['call'])}({given})"
    if _is_name(value):
        return str(value["name"]) if full else _short(value["name"])
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {rendered(item, full)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "(" + ", ".join(rendered(item, full) for item in value) + ")"
    return str(value)


def _short(name: str) -> str:
    """The last part of a dotted name, with the class it belongs to: PersonSplit.from_csv."""
    parts = str(name).split(".")
    of_class = len(parts) > 1 and parts[-2][:1].isupper()
    return ".".join(parts[-2:] if of_class else parts[-1:])


def _is_call(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"call", "with"} and isinstance(value["with"], dict)


def _is_name(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"name"}


def _is_group(value: Any) -> bool:
    return isinstance(value, dict) and not _is_call(value) and not _is_name(value)


def _union(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*before, *after]))
