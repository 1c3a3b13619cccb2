"""python -m experiments tune: searches what an experiment marks as searchable, and writes the best as a new module."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data.errors import DataError
from runners.display import Display, make_console
from runners.endings import one_sentence

if TYPE_CHECKING:
    from runners.experiment import Experiment
    from runners.search.search_space import Space
    from runners.search.tuning import Attempt

SAMPLE = Path("input/sample")
HERE = Path(__file__).parent


def tune(
    name: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="The experiment whose SEARCH is searched.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials in all, those of earlier starts counted.")] = 30,
    data: Annotated[Path, typer.Option(help="Competition folder, or a CSV with path,label,group.")] = SAMPLE,
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs; trials go to .tune in it.")] = Path("runs"),
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The new module; experiments/<name>_tuned.py.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch; all cores.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder that keeps decoded images.")] = Path("cache"),
) -> None:
    """Search an experiment's marked fields; folds of poor trials are given up early, and the same command goes on."""
    with one_sentence(runs):
        _tune(name, trials, data, runs, out or HERE / f"{name}_tuned.py", device, threads, cache)


def _tune(
    name: str, trials: int, data: Path, runs: Path, out: Path, device: str, threads: int | None, cache: Path
) -> None:
    from runners.compute import available_cores
    from runners.compute_choice import choose_compute
    from runners.file_lock import locked
    from runners.search.search_space import check_space
    from runners.search.trial_runs import TrialRuns
    from runners.search.tuning import best, failures, open_study, search

    experiment, space = _declared(name)
    check_space(experiment, space)
    _check_writable(out, name, space)
    compute, console = choose_compute(device, 1, threads or available_cores(), 0), make_console()
    folder = runs / ".tune" / name
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "study", patience=0.5):
        maker = TrialRuns(experiment, HERE / f"{name}.py", data, folder, compute, cache, console)
        study = open_study(folder / "study.db", f"{name}-{maker.ground(space)}", experiment.seed)
        console.print(f"{name}: {trials} trials over {', '.join(space)}", markup=False, soft_wrap=True)
        with Display(console, maker.batches * trials) as display:
            search(study, experiment, space, trials, maker.folds, _Quiet(display), lambda one: display.line(_line(one)))
        top = best(study)
        failed = failures(study)
    if top is None:
        raise DataError(
            f"All {len(failed)} trials of {name} failed, the last one so: {failed[-1].removesuffix('.')}; once that is "
            "mended, more --trials would be right."
        )
    for line in (
        f"best     trial {top.number + 1}, out-of-fold F1 {top.f1:.4f}: {_values(top)}",
        f"note     the best of {trials} is flattered by having been picked: judge it on another seed or split, or by",
        "         the leaderboard",
    ):
        console.print(line, markup=False, soft_wrap=True)
    _write(out, name, top, trials)
    console.print(f"written  {out}", markup=False, soft_wrap=True)


class _Quiet:
    """Of a trial's folds only the batches are shown, not each epoch's line."""

    def __init__(self, display: Display) -> None:
        self.display = display

    def line(self, text: str) -> None:
        """Warnings alone."""
        if text.startswith("warning"):
            self.display.line(text)

    def advance(self, batches: int, description: str) -> None:
        """Count batches."""
        self.display.advance(batches, description)


def _declared(name: str) -> "tuple[Experiment, Space]":
    import importlib

    available = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    if name not in available:
        raise DataError(f"There is no experiment {name!r}; available: {', '.join(available)}.")
    module: Any = importlib.import_module(f"experiments.{name}")
    return module.EXPERIMENT, getattr(module, "SEARCH", {})


def _check_writable(out: Path, name: str, space: "Space") -> None:
    """DataError now for what would be one after all trials: a name that is none, a path that is not written out."""
    from runners.search.module_variant import variant

    if out.exists():
        raise DataError(f"{out} exists: nothing is overwritten; -o with another name would be right.")
    if out.suffix != ".py" or not out.stem.isidentifier():
        raise DataError(f"{out} names no module of an experiment: -o with {name}_tuned.py, say, would be right.")
    variant(HERE / f"{name}.py", out.stem, name, dict.fromkeys(space), "")  # any values: the text is not kept


def _write(out: Path, name: str, top: "Attempt", trials: int) -> None:
    from runners.search.module_variant import variant
    from runners.state import write_text

    docstring = (
        f"Do the values that a search of {trials} trials found for {name} hold up?\n\n"
        f"Copied from: {name}.py, with {_values(top)}.\n"
        f"Command:     python -m experiments.{out.stem} --data input/data\n"
        f"Result:      not run yet; in the search out-of-fold F1 {top.f1:.4f}, flattered by having been picked."
    )
    write_text(out, variant(HERE / f"{name}.py", out.stem, name, top.values, docstring))


def _line(one: "Attempt") -> str:
    if one.failure:
        return f"trial {one.number + 1:3}  failed     {_values(one)}: {one.failure}"
    end = "" if one.finished else f"  given up after {one.folds}"
    return f"trial {one.number + 1:3}  F1 {one.f1:.4f}  {_values(one)}{end}"


def _values(one: "Attempt") -> str:
    return ", ".join(f"{path} {value}" for path, value in one.values.items())
