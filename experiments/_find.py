"""python -m experiments find-lr, find-batch-size: what is measured before a run, instead of guessed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments._declared import declared
from runners.display import Display, make_console, plain

if TYPE_CHECKING:
    from runners.diagnostics.batch_size_search import Attempt, Search
    from runners.diagnostics.range_test import RangeTest
    from runners.diagnostics.rate_suggestions import Suggestions

Name = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Name of an experiment, as in the list.")]
Data = Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of torch; all cores.")]
SAMPLE = Path("input/sample")


def find_lr(
    experiment: Name,
    data: Data = SAMPLE,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="PNG to write; <experiment>_lr.png.")] = None,
    low: Annotated[float, typer.Option("--from", help="The lowest rate.")] = 1e-7,
    high: Annotated[float, typer.Option("--to", help="The highest rate.")] = 10.0,
    steps: Annotated[int, typer.Option(min=2, help="Optimizer steps, a rate each.")] = 100,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Suggest a learning rate: a short training of the first fold whose rate grows, and the curve of its loss."""
    from runners.compute import available_cores
    from runners.compute_choice import choose_compute
    from runners.diagnostics.range_test import range_test
    from runners.diagnostics.rate_picture import draw_range_test
    from runners.diagnostics.rate_suggestions import suggest
    from runners.first_fold import first_fold
    from runners.state import write_bytes

    out, console = out or Path(f"{experiment}_lr.png"), make_console()
    fold = first_fold(declared(experiment), data, choose_compute(device, 1, threads or available_cores(), 0))
    with Display(console, steps) as display:
        found = range_test(
            fold, low=low, high=high, steps=steps, tick=lambda: display.advance(1, "rates from low to high")
        )
    suggested = suggest(found)
    title = f"{experiment} on {data.name}: loss while the rate grows"
    write_bytes(out, draw_range_test(title, found, suggested))
    images = fold.experiment.batch_size * fold.experiment.accumulate
    for line in _rate_lines(found, suggested, images):
        console.print(plain(line), soft_wrap=True)
    console.print(plain(f"picture     {out}"), soft_wrap=True)


def _rate_lines(found: "RangeTest", suggested: "Suggestions", images: int) -> list[str]:
    import numpy as np

    lowest = int(np.nanargmin(found.smooth))
    end = f"exploded at {found.rates[-1]:.2g}" if found.diverged else f"{found.smooth[-1]:.3f} at the end"
    lines = [
        f"rates       {found.rates[0]:.2g} to {found.rates[-1]:.2g}, {len(found.rates)} steps of {images} images",
        f"loss        {found.smooth[0]:.3f} at first, lowest {found.smooth[lowest]:.3f} at "
        f"{found.rates[lowest]:.2g}, {end}",
        f"declared    {found.stated:.2g}",
    ]
    if suggested.refusal:
        return [*lines, f"suggestion  none: {suggested.refusal}"]
    lines += [
        f"suggestion  {suggested.valley:.2g}, half-way down the longest descent (valley)",
        f"            {suggested.steepest:.2g}, where the loss falls fastest (steepest)",
        f"            {suggested.tenth:.2g}, a tenth of the rate with the lowest loss",
    ]
    return [*lines, *([f"note        {suggested.remark}"] if suggested.remark else [])]


def find_batch_size(
    experiment: Name,
    data: Data = SAMPLE,
    most: Annotated[int, typer.Option(min=1, help="The largest size to try.")] = 1024,
    device: Device = "auto",
    jobs: Annotated[int | None, typer.Option(min=1, help="Folds at a time, as in a run; they share memory.")] = None,
    threads: Threads = None,
) -> None:
    """Suggest a batch size: a few training batches of each, by time and memory, each in a process of its own."""
    from runners.compute_choice import choose_compute
    from runners.diagnostics.batch_size_finder import find_batch_size as find
    from runners.first_fold import first_fold

    console = make_console()
    fold = first_fold(declared(experiment), data, choose_compute(device, jobs, threads, 0))
    compute = fold.compute
    console.print(
        plain(
            f"{experiment} on {compute.device}: folds at a time {compute.jobs}, each with threads {compute.threads}; "
            "loading is not counted"
        ),
        soft_wrap=True,
    )
    console.print("  size  images/s  ms a batch       GiB")
    found = find(fold, most, lambda one: console.print(plain(_attempt_line(one)), soft_wrap=True))
    for line in _size_lines(found, fold.experiment.batch_size, fold.experiment.accumulate):
        console.print(plain(line), soft_wrap=True)


def _attempt_line(one: "Attempt") -> str:
    if not one.fits:
        return f"{one.size:6}  does not fit: {one.reason}"
    memory = "not told" if one.memory is None else f"{one.memory / 2**30:.2f}"
    return f"{one.size:6}  {one.throughput:8.1f}  {1000 * one.seconds:10.1f}  {memory:>8}"


def _size_lines(found: "Search", batch_size: int, accumulate: int) -> list[str]:
    lines = [f"end         {found.end}", f"declared    batch_size={batch_size}, accumulate={accumulate}"]
    if found.largest is None or found.suggested is None:
        return [*lines, "suggestion  none: no size fits"]
    size, images = found.suggested.size, batch_size * accumulate
    lines += [
        f"fits        {found.largest.size}, the largest tried that does",
        f"suggestion  batch_size={size}, the smallest within 5 % of the best throughput",
    ]
    if size < images:
        lines.append(f"            with accumulate={round(images / size)} about as many images a step as now, {images}")
    elif size > images:
        lines.append(f"note        {size} images a step instead of {images}: the learning rate is to be found anew")
    return lines
