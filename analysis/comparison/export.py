"""A comparison for other programs and for write-ups: JSON and CSV with all digits, Markdown to paste."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from analysis.comparison.comparison import Comparison, Group, Row
from analysis.comparison.declaration import differing, flatten
from analysis.comparison.finished_run import FoldResult
from analysis.comparison.markdown import cell, table
from analysis.comparison.resampled import Estimate
from analysis.comparison.sheets import Sheet, group_sheets, legend
from analysis.comparison.verdict import Flips
from analysis.leaderboard.ledger import safe_text


def as_json(comparison: Comparison, only_changed: bool) -> str:
    """Groups with their runs, every value; declared values are flattened, functions by their full names."""
    groups = [
        {
            "measured_on": group.rows[0].run.ground.size,
            "apart": group.apart,
            "against": None if group.against is None else group.against.name,
            "runs": [_values(row, declared) for row, declared in _declared(group, only_changed)],
        }
        for group in comparison.groups
    ]
    whole = {"groups": groups, "remarks": list(comparison.remarks)}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_csv(comparison: Comparison, only_changed: bool) -> str:
    """A row a run, groups numbered from 1; nested values become columns such as f1.low, folds.0.f1, declared.epochs."""
    rows: list[dict[str, Any]] = []
    for number, group in enumerate(comparison.groups, start=1):
        about = {"group": number, "apart": group.apart, "measured_on": group.rows[0].run.ground.size}
        for row, declared in _declared(group, only_changed):
            flat = dict(about)
            _flat("", _values(row, declared), flat)
            rows.append({name: _csv_cell(value) for name, value in flat.items()})
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [_csv_cell(column) for column in columns], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({_csv_cell(column): value for column, value in row.items()} for row in rows)
    return text.getvalue()


def as_markdown(comparison: Comparison, only_changed: bool) -> str:
    """The tables of the terminal under headings, whatever names and questions hold."""
    lines = []
    for group in comparison.groups:
        lines.append(f"## {cell(group.heading)}\n")
        lines += [_markdown(sheet) for sheet in group_sheets(comparison, group, only_changed)]
    lines += [f"- {cell(line)}" for line in (*legend(comparison), *comparison.remarks)]
    return "\n".join(lines) + "\n"


def _markdown(sheet: Sheet) -> str:
    rows = [[cell(text) for text in row] for row in sheet.rows]
    right = [column for column in sheet.columns if column not in sheet.left]
    body = table(sheet.columns, rows, right) if rows else ""
    note = f"\n{cell(sheet.note)}\n" if sheet.note else ""
    return f"### {cell(sheet.title)}\n\n{body}{note}"


def _declared(group: Group, only_changed: bool) -> list[tuple[Row, dict[str, str]]]:
    """Each row with what it declared: all, or what differs within the group."""
    records = [flatten(row.run.record) for row in group.rows]
    fields = differing(records) if only_changed else list(dict.fromkeys(field for each in records for field in each))
    return [
        (row, {field: record[field] for field in fields if field in record})
        for row, record in zip(group.rows, records, strict=True)
    ]


def _values(row: Row, declared: Mapping[str, str]) -> dict[str, Any]:
    run, verdict = row.run, row.verdict
    return {
        "run": run.name,
        "experiment": run.experiment,
        "parent": run.parent,
        "question": run.question,
        "date": run.date,
        "images": int(run.ground.image_ids.size),
        "persons": run.ground.person_count,
        "f1": _values_of(Estimate, row.f1),
        "folds_mean": run.f1_mean,
        "folds_sd": run.f1_sd,
        "public": row.public,
        "private": row.private,
        "seconds": run.seconds,
        "untimed_epochs": run.untimed,
        "verdict": None if verdict is None else verdict.judgement,
        "difference": _values_of(Estimate, verdict and verdict.difference),
        "flips": _values_of(Flips, verdict and verdict.flips),
        "folds": [_values_of(FoldResult, fold) for fold in run.folds],
        "declared": dict(declared),
    }


def _values_of(kind: type, value: Any) -> dict[str, float | None]:
    """The fields of a dataclass by name, None each where there is no value."""
    return {field.name: getattr(value, field.name, None) for field in fields(kind)}


def _flat(path: str, value: Any, into: dict[str, Any]) -> None:
    """Leaves of nested dicts and lists by their path."""
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        into[path] = value
    for key, item in items:
        _flat(f"{path}.{key}" if path else str(key), item, into)


def _csv_cell(value: Any) -> Any:
    """Text that no spreadsheet runs as a formula; numbers, also such as text, stay what they are."""
    if not isinstance(value, str):
        return "" if value is None else value
    try:
        float(value)
    except ValueError:
        return safe_text(value)
    return value
