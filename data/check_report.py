"""The check on paper: counts, then every finding in full; at most 100 columns, the same in a terminal and in a pipe."""

from itertools import groupby

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from data.checks import CheckReport

WIDEST = 100         # columns; a line longer than that is hard to read, whatever the terminal
FIRST_COLUMN = 24    # columns; keeps the tables' numbers below each other
VALUES_SHOWN = 12    # sizes, formats, modes: the most frequent; a generic data set may have a thousand sizes


def print_report(report: CheckReport, console: Console | None = None) -> None:
    """Print a report: what there is, then all findings by kind, then whether training can start."""
    paper = _Paper(console or Console())
    data, counts = report.data, report.counts
    form = "the mask competition" if data.form == "mask" else "images with labels and groups"
    paper.line(f"{report.path}: {form}", "bold")
    paper.line(f"train  {len(data.train):,} images of {data.train['person'].nunique():,} persons, "
               f"{(counts['class']['images'] > 0).sum()} of {len(data.class_names)} classes")
    paper.line(f"test   {len(data.test):,} images" if len(data.test) else "test   no images")
    for title, table in counts.items():
        if not table.empty:
            paper.counts(title, table, len(data.train))

    for kind, group in groupby(sorted(report.findings, key=lambda found: (not found.stops, found.kind)),
                               key=lambda found: found.kind):
        found = list(group)
        heading = f"{kind}: {len(found):,}" if len(found) > 1 else kind     # one sentence may sum up many files
        paper.findings(heading, [finding.text for finding in found], found[0].stops)
    stopping = sum(finding.stops for finding in report.findings)
    to_know = f"worth knowing: {len(report.findings) - stopping:,}"
    paper.line("")
    if stopping:
        paper.line(f"Problems to mend before training: {stopping:,}; {to_know}.", "bold red")
    else:
        paper.line(f"No problems, training can start; {to_know}.", "bold green")


class _Paper:
    """A console kept to WIDEST columns, printing names as they are: markup is no markup, control codes are escaped."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, WIDEST)

    def line(self, text: str, style: str = "", first: str = "", indent: str = "") -> None:
        """A text wrapped behind `first`, then `indent`; a name that is wider than the paper is folded, never cut."""
        lines = self._text(text, style).wrap(self.console, self.width - len(first), overflow="fold")
        for number, line in enumerate(lines or [Text()]):
            line.rstrip()
            self.console.print(Text(indent if number else first).append_text(line), width=self.width)

    def counts(self, title: str, counts: pd.DataFrame, total: int) -> None:
        """A table of counts; where it counts the train set's images, with their share."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(self._text(title, "bold"), min_width=FIRST_COLUMN, overflow="fold")
        for column in counts.columns:
            table.add_column(str(column), justify="right", min_width=7)
        shares = "images" in counts.columns and total
        if shares:
            table.add_column("share", justify="right", min_width=7)
        shown = counts if shares else counts.head(VALUES_SHOWN)
        for value, row in zip(shown.index, shown.to_numpy().tolist(), strict=True):
            cells = [f"{count:,}" for count in row] + ([f"{row[0] / total:.1%}"] if shares else [])
            table.add_row(self._text(str(value)), *cells)
        if len(shown) < len(counts):
            others = counts.iloc[len(shown):].sum().tolist()
            table.add_row(f"{len(counts) - len(shown):,} others", *(f"{count:,}" for count in others))
        self.line("")
        self.console.print(table, width=self.width)

    def findings(self, heading: str, texts: list[str], stops: bool) -> None:
        """A heading and all its findings."""
        self.line("")
        self.line(heading, "bold red" if stops else "bold")
        for text in texts:
            self.line(text, first="- ", indent="  ")

    def _text(self, text: str, style: str = "") -> Text:
        escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
        encoding = self.console.encoding
        return Text(escaped.encode(encoding, "backslashreplace").decode(encoding), style)
