"""The report on finished runs: gathered, cut to size, rendered, written as one file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.comparison.chosen_runs import choose
from analysis.comparison.comparison import Comparison, compare
from analysis.report.comparison_view import comparison_view
from analysis.report.curve_chart import score_top
from analysis.report.embedded import embedded, fitting
from analysis.report.gap_view import gap_view
from analysis.report.image_table import image_tables
from analysis.report.ledger_view import ledger_view
from analysis.report.mistake_view import mistakes_view
from analysis.report.page import render_page
from analysis.report.pictures import by_image, make_pictures
from analysis.report.run_section import run_section
from analysis.report.run_view import run_view
from data.errors import DataError
from runners.state import write_bytes


@dataclass(frozen=True)
class Written:
    """What was written: bytes, names of the runs, images, how many of them the page lists, and its pictures."""

    path: Path
    size: int
    runs: tuple[str, ...]
    images: int
    listed: int
    pictures: int
    remarks: tuple[str, ...]  # sentences on what could not be read


def write_report(
    out: Path, runs: Path, names: Sequence[str], now: datetime, pictures_from: Path | None = None
) -> Written:
    """Replace `out` by the report on these runs (the latest of every experiment where none is named).

    pictures_from: a data set to take small pictures from; None: no picture. Raises DataError where no run can be read,
    or `out` can't be written.
    """
    comparison = compare(choose(runs, names))
    named = [(comparison.label(row.run), row.run) for row in comparison.rows]
    sections = [run_section(name, run) for name, run in named]
    whole = image_tables([section.judged for section in sections])
    tables = fitting(whole)
    pictures = [{} for _ in tables] if pictures_from is None else make_pictures(tables, sections, pictures_from)
    written = Written(
        path=out,
        size=0,
        runs=tuple(name for name, _ in named),
        images=sum(len(table.image_ids) for table in whole),
        listed=sum(len(table.image_ids) for table in tables),
        pictures=sum(map(len, pictures)),
        remarks=comparison.remarks,
    )
    top = score_top([log for section in sections for log in section.logs])
    context = {
        "page": _page(comparison, written, now),
        "ledger": ledger_view(named),
        "comparison": comparison_view(comparison),
        "folds": max(len(section.logs) for section in sections),
        "gap": gap_view(named),
        "runs": [
            {**run_view(section, top), **mistakes_view(section, by_image(pictures, tables, place))}
            for place, section in enumerate(sections)
        ],
    }
    body = render_page(context, embedded(tables, pictures))
    try:
        write_bytes(out, body)
    except OSError as error:
        raise DataError(f"{out} can't be written: {error.strerror}.") from error
    return replace(written, size=len(body))


def _page(comparison: Comparison, written: Written, now: datetime) -> dict[str, Any]:
    main = comparison.groups[0]  # a score of another group is not comparable
    best = max(main.rows, key=lambda row: row.f1.value)
    count = len(written.runs)
    facts = [
        main.heading,
        f"best out-of-fold macro F1 {best.f1.value:.4f} ({comparison.label(best.run)})",
        f"made {now:%Y-%m-%d %H:%M}",
    ]
    listed = ""
    if written.listed < written.images:
        listed = (
            f" To stay small the page lists {written.listed:,} of {written.images:,} images, those of the persons "
            "with the most mistakes; the counts are of all."
        )
    pictures = (
        f"{written.pictures:,} of {written.images:,} images have a picture: the page holds personal data."
        if written.pictures
        else "The page holds no picture."
    )
    return {
        "title": f"Report on {written.runs[0] if count == 1 else f'{count} runs'}",
        "facts": " · ".join(facts),
        "listed": listed,
        "footer": f"One file that asks nothing of any network. {pictures}",
    }
