"""python -m experiments preview: a picture of what an experiment's network really sees."""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from data.errors import DataError, quote
from runners.display import make_console

SAMPLE = Path("input/sample")


def preview(
    experiment: Annotated[str, typer.Argument(help="Name of an experiment, as in the list.")],
    data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG to write.")] = Path("preview.png"),
    epoch: Annotated[int, typer.Option(min=1, help="Epoch whose first training batch is shown.")] = 1,
) -> None:
    """Draw what the network sees: a training batch and its targets, one image over epochs, validation, TTA views."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    if experiment not in known:
        near = ", ".join(get_close_matches(experiment, known, n=5, cutoff=0.4) or known)
        raise DataError(f"There is no experiment {quote(experiment)}; the nearest names are: {near}.")
    if out.is_dir():
        raise DataError(f"{out} is a folder: --out takes the name of a PNG.")

    import importlib  # here and below: torch makes nobody wait who asks for --help

    from data.reading import read_data
    from runners.contact_sheet import draw_sheet
    from runners.experiment import build
    from runners.preview import preview_strips
    from runners.refusals import check_declaration
    from runners.sources import read_sources
    from runners.state import write_bytes

    declared = importlib.import_module(f"experiments.{experiment}").EXPERIMENT
    table = read_data(data, Path(declared.corrections) if declared.corrections else None)
    folds = build("split", declared.split).assign(table.train, seed=declared.seed)
    sources = read_sources(declared, table, folds)
    check_declaration(declared, table, folds, sources)
    strips = preview_strips(declared, table, folds, epoch, sources)
    write_bytes(out, draw_sheet(f"{experiment}: what the network sees of {data.name}, fold 1, epoch {epoch}", strips))
    make_console().print(f"written {out}", markup=False, soft_wrap=True)
