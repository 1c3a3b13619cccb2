"""Options that commands which make runs share: where, and with how much; never what is run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from runners import compute
from runners.tracking import Tracker

SAMPLE = Path("input/sample")
RUNS, CACHE = Path("runs"), Path("cache")
CACHE_LIMIT = 20.0  # GiB



def _workers(text: str) -> compute.Workers:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise typer.BadParameter(f"{text!r} is neither a whole number from 0 on nor auto.")
    return int(text)


Data = Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")]
Runs = Annotated[Path, typer.Option(help="Folder that keeps the runs.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Executor = Annotated[
    compute.Executor | None,
    typer.Option(help="Where folds are trained; processes on a CPU of several cores, else serial."),
]
Address = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Head of a Ray cluster; without it, one on this machine.")
]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Folds at a time: what ends soonest here, on CUDA 1, on a cluster what fits."),
]
Threads = Annotated[
    int | None, typer.Option(min=1, help="Torch's, a rank: cores / jobs / ranks; on a cluster, with --address, 1.")
]
Ranks = Annotated[int, typer.Option(min=1, help="Processes that train a fold together, a GPU each on CUDA.")]
Workers = Annotated[
    Any,
    typer.Option(parser=_workers, metavar="N|auto", help="Processes a rank that make batches; auto: where they help."),
]
Cache = Annotated[Path, typer.Option(help="Folder that keeps decoded images.")]
CacheLimit = Annotated[float, typer.Option(min=0, help="GiB that all caches may take; 0: none is made.")]
Fast = Annotated[bool, typer.Option("--fast", help="One batch of every stage, submission included.")]
Track = Annotated[list[Tracker] | None, typer.Option(help="Shows the run elsewhere too; may be given several times.")]
