"""Rows as the text of a CSV that reads back as what it was written from."""

import csv
import io
from collections.abc import Iterable, Sequence


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    r"""Rows, the header first, with lines that end in \n, as :func:`data.csv_rows.read_rows` reads them.

    Python's writer (before 3.13) puts no quotes around a cell with a carriage return, which then ends the line.
    """
    text = io.StringIO(newline="")
    plain, quoted = (csv.writer(text, lineterminator="\n", quoting=how) for how in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    for cells in rows:
        (quoted if any("\r" in cell for cell in cells if isinstance(cell, str)) else plain).writerow(cells)
    return text.getvalue()
