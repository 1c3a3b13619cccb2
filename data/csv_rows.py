"""How a CSV becomes a table of text: strictly, with every row that is wrong named by its number."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from data.errors import DataError, quote
from data.findings import Finding, some_names
from data.folders import ImageTree

FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")   # a spreadsheet runs a cell that starts so (OWASP, CSV injection)


def numbered(cells: "pd.Series[str]") -> list[tuple[int, str]]:
    """Row numbers and cells of a column of :func:`read_rows`."""
    return list(zip(cells.index.tolist(), cells.tolist(), strict=True))


def read_rows(csv_file: Path, required: Sequence[str]) -> tuple[pd.DataFrame, list[Finding]]:
    """All cells of a CSV as text, nothing interpreted: "000001", "NA" and "1e5" stay what they are.

    Returns the rows with as many cells as the header, indexed by the line each starts on (the header's is 1), and a
    finding for each other row. Raises DataError where the file as a whole can't be read: missing, not UTF-8, NUL bytes,
    broken quotes, a cell above 131,072 characters, another delimiter, a required column missing, no rows.
    """
    records = _records(csv_file)
    header_row, header = next(records, (1, []))
    missing = [column for column in required if column not in header]
    if missing:
        expected = f"expected the columns {','.join(required)}"
        for delimiter, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if len(header) == 1 and set(required) <= {cell.strip(' "') for cell in header[0].split(delimiter)}:
                raise DataError(f"{csv_file} is separated by {name}; save it with commas between the cells.")
        found = some_names(header, 40) if header else "an empty file"
        raise DataError(f"{csv_file}, row {header_row}: no column {', '.join(missing)}; {expected}, found {found}.")
    twice = sorted(column for column, times in Counter(header).items() if times > 1)
    if twice:
        raise DataError(f"{csv_file}, row {header_row}: column {quote(twice[0])} is there twice; keep one of them.")

    row_numbers, rows, findings = [], [], []
    for row, cells in records:
        if len(cells) == len(header):
            row_numbers.append(row)
            rows.append(cells)
        else:
            text = f"{csv_file}, row {row}: {len(cells)} cells; expected {len(header)}, as many as the header has."
            findings.append(Finding("wrong number of cells", text))
    if not rows and not findings:
        raise DataError(f"{csv_file} has a header but no rows; expected one row or more below it.")
    return pd.DataFrame(rows, index=pd.Index(row_numbers, name="row"), columns=header, dtype="str"), findings


def as_cell(text: str) -> str:
    """Text as a cell that no spreadsheet runs: ' before what starts like a formula. :func:`from_cell` undoes it."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def from_cell(cell: str) -> str:
    """The text of a cell that :func:`as_cell` may have made; a formula's text written without the ' is itself."""
    return cell.removeprefix("'") if cell.lstrip("'").startswith(FORMULA_STARTS) else cell


def find_files(
    tree: ImageTree, csv_file: Path, names: "pd.Series[str]", below: str = ""
) -> tuple["pd.Series[str]", list[Finding]]:
    """Paths on disk, relative to the tree's root, of the files a CSV column names from the folder `below`.

    Keeps the rows' index and order; rows whose file is missing, hidden, outside the root or in an earlier row are left
    out, each with a finding.
    """
    first_rows: dict[str, int] = {}
    findings = []
    for row, name in numbered(names):
        where = f"{csv_file}, row {row}: {names.name}"
        try:
            first = first_rows.setdefault(tree.file(name, below), row)
        except DataError as error:
            findings.append(Finding("missing image", f"{where}: {error}; expected an image file."))
            continue
        if first != row:
            text = f"{where} {quote(name)} is already in row {first}; expected one row an image."
            findings.append(Finding("duplicate image", text))
    return pd.Series({row: path for path, row in first_rows.items()}, dtype="str"), findings


def read_test_table(
    tree: ImageTree, csv_name: str, columns: Sequence[str], below: str = ""
) -> tuple[pd.DataFrame, list[Finding]]:
    """The test table, columns image_id (as the CSV has it) and path (relative to the root), in the CSV's order.

    `columns` are those the CSV must have, the id first; an id names a file from the folder `below`.
    """
    csv_file = tree.root / tree.file(csv_name)
    rows, findings = read_rows(csv_file, columns)
    ids = rows[columns[0]]
    formulas = ids.str.startswith(FORMULA_STARTS)
    findings += [Finding("unsafe name", f"{csv_file}, row {row}: {columns[0]} {quote(name)} starts like a spreadsheet "
                                        f"formula; expected a file name that does not.")
                 for row, name in numbered(ids[formulas])]
    paths, problems = find_files(tree, csv_file, ids[~formulas], below)
    return pd.DataFrame({"image_id": ids[paths.index], "path": paths}).reset_index(drop=True), findings + problems


def _records(csv_file: Path) -> Iterator[tuple[int, list[str]]]:
    """Records that are not blank, each with the line it starts on."""
    reader = csv.reader(io.StringIO(_text(csv_file), newline=""), strict=True)
    while True:
        row = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            hint = 'check the quotes ("), each must be closed, and no cell may exceed 131,072 characters'
            raise DataError(f"{csv_file}, row {row}: not readable as CSV ({error}); {hint}.") from error
        if cells is None:
            return
        if cells:
            yield row, cells


def _text(csv_file: Path) -> str:
    if not csv_file.is_file():
        raise DataError(f"{csv_file} {'is not a file' if csv_file.exists() else 'does not exist'}; expected a CSV.")
    try:
        content = csv_file.read_bytes()
    except OSError as error:
        raise DataError(f"{csv_file} can't be read: {error.strerror}.") from error
    if b"\0" in content:
        row = content[: content.index(b"\0")].count(b"\n") + 1
        raise DataError(f"{csv_file}, row {row}: a NUL byte; expected text in UTF-8 (is it UTF-16, or no CSV at all?).")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row, byte = content[: error.start].count(b"\n") + 1, content[error.start]
        raise DataError(f"{csv_file}, row {row}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8.") from error
