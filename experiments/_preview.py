"""python -m experiments preview: a picture of what an experiment's network really sees."""

from pathlib import Path
from typing import Annotated

import typer

from data.errors import DataError
from experiments._declared import declared
from runners.display import make_console

SAMPLE = Path("input/sample")


def preview(
    experiment: Annotated[str, typer.Argument(help="Name of an experiment, as in the list.")],
    data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG to write.")] = Path("preview.png"),
    epoch: Annotated[int, typer.Option(min=1, help="Epoch whose first training batch is shown.")] = 1,
) -> None:
    """Draw what the network sees: a training batch and its targets, one image over epochs, validation, TTA views."""
    chosen = declared(experiment)
    if out.is_dir():
        raise DataError(f"{out} is a folder: --out takes the name of a PNG.")

    from runners.contact_sheet import draw_sheet  # here: torch makes nobody wait who asks for --help
    from runners.first_fold import read_split
    from runners.preview import preview_strips
    from runners.refusals import check_declaration
    from runners.sources import read_sources
    from runners.state import write_bytes

    table, folds = read_split(chosen, data)
    sources = read_sources(chosen, table, folds)
    check_declaration(chosen, table, folds, sources)
    strips = preview_strips(chosen, table, folds, epoch, sources)
    write_bytes(out, draw_sheet(f"{experiment}: what the network sees of {data.name}, fold 1, epoch {epoch}", strips))
    make_console().print(f"written {out}", markup=False, soft_wrap=True)
