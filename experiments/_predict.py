"""python -m experiments predict: the networks of a finished run over other images, in one pass."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from data.errors import DataError
from runners.display import Display, make_console, plain
from runners.endings import one_sentence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from runners.deployment.listing import Listing
    from runners.deployment.trained_run import TrainedRun

MADE_BY = "python -m experiments predict"
ARRAYS = ("probabilities", "fold_probabilities", "folds", "image_ids", "classes")  # of the file that it writes


def predict(
    run: Annotated[str, typer.Argument(help="An experiment (its latest finished run), or a run's folder.")],
    data: Annotated[
        Path, typer.Option(help="A data set, whose test list is predicted, or a folder: all images in it.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="An .npz; a test list's submission goes beside it, as .csv.")
    ] = Path("predictions.npz"),
    backend: Annotated[Literal["torch", "onnx"], typer.Option(help="Who runs the networks.")] = "torch",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; as many as there are cores.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
    cache: Annotated[Path, typer.Option(help="Folder that keeps decoded images.")] = Path("cache"),
    cache_limit: Annotated[float, typer.Option(min=0, help="GiB that all caches may take; 0: none is made.")] = 20,
) -> None:
    """Predict images with all networks and views of a finished run; each image is read once.

    Written are the mean of the folds' probabilities, each fold's, and the images' ids. Explained in docs/inference.md.
    """
    with one_sentence(runs):
        _predict(run, data, out, backend, device, threads, runs, cache, cache_limit)


def _predict(
    run: str,
    data: Path,
    out: Path,
    backend: str,
    device: str,
    threads: int | None,
    runs: Path,
    cache: Path,
    cache_limit: float,
) -> None:
    answers = out.with_suffix(".csv")
    if out.suffix != ".npz" or out.is_dir():
        raise DataError(f"{out}: --out takes the name of an .npz.")
    _check_replaceable(out)

    import torch  # here and below: torch makes nobody wait who asks for --help

    from analysis.leaderboard.registration import find_run
    from analysis.submissions.recorded import check_writable
    from data.cache_build import GIB, CacheSettings
    from runners.allocator import keep_freed_memory
    from runners.compute import available_cores
    from runners.compute_choice import choose_compute
    from runners.deployment.backends import Backend, load_networks
    from runners.deployment.listing import check_classes, read_listing
    from runners.deployment.predict_listing import listed_caches, predict_listing
    from runners.deployment.trained_run import read_trained_run

    compute = choose_compute(device, 1, threads, 0)
    trained, listing = read_trained_run(find_run(runs, run)), read_listing(data)
    check_classes(listing, trained.class_names, trained.name)
    if listing.data is not None:
        check_writable(answers)
    console = make_console()
    images, declared = len(listing.table), trained.declaration
    for line in (
        f"{trained.name}: {len(trained.folds)} networks x {len(declared.tta)} views, by {backend}",
        f"images  {images:,} of {data}" + (f", {len(listing.left_out):,} other files" if listing.left_out else ""),
    ):
        console.print(plain(line), soft_wrap=True)
    torch.set_num_threads(compute.threads)
    if compute.device == "cpu":
        keep_freed_memory()
    settings = CacheSettings(cache, int(cache_limit * GIB), available_cores())
    with Display(console, -(-images // declared.batch_size)) as display:
        caches = listed_caches(trained, listing, settings, display)
        networks = load_networks(trained, Backend(backend), compute.threads, compute.device, display.line)
        on = compute.device if backend == "torch" else "cpu"  # where images and logits of the networks are
        started = time.perf_counter()
        of_folds = predict_listing(trained, networks, listing, caches, on, display)  # (K, N, C)
        seconds = time.perf_counter() - started
    console.print(f"done    in {seconds:.1f} s, {images / seconds:,.0f} images a second", markup=False)
    try:
        for line in _write(out, answers, trained, listing, of_folds, backend):
            console.print(plain(line), soft_wrap=True)
    except OSError as error:
        raise DataError(f"{error.filename or out} can't be written: {error.strerror}.") from error


def _check_replaceable(out: Path) -> None:
    """DataError where there is a file that this command did not write: a run's oof.npz, say."""
    from runners.state import read_arrays

    if not out.exists():
        return
    try:
        held = set(read_arrays(out))
    except DataError:  # it is nobody's, or damaged
        held = set()
    if not held.issuperset(ARRAYS):
        raise DataError(f"{out} is there already, and not of this command: --out with another name would be right.")


def _write(
    out: Path,
    answers: Path,
    trained: "TrainedRun",
    listing: "Listing",
    of_folds: "NDArray[np.float32]",
    backend: str,
) -> list[str]:
    """Write the probabilities and, for a test list, the submission with its record; returns what to say of it."""
    import numpy as np

    from analysis.submissions.recorded import record_path, write_recorded
    from data.submission import submission_form
    from runners.state import file_digest, write_arrays

    mean = of_folds.mean(0, dtype=np.float64).astype(np.float32)  # (N, C)
    ids = listing.table["image_id"].tolist()
    arrays = (mean, of_folds, np.array(trained.folds), np.array(ids, np.str_), np.array(trained.class_names, np.str_))
    write_arrays(out, dict(zip(ARRAYS, arrays, strict=True)))
    told = [f"written {out}: {len(ids):,} images x {mean.shape[1]} classes, the mean of the folds and each of them"]
    if listing.data is None:
        return told
    record = {"made_by": MADE_BY, "run": trained.name, "backend": backend, "predictions": file_digest(out)}
    digest = write_recorded(answers, submission_form(listing.data), ids, mean.argmax(1), record)
    return [
        *told,
        f"submission  {answers}: {len(ids):,} rows, sha256 {digest[:10]}",
        f"record      {record_path(answers)}",
        f"next        python -m experiments check-submission {answers}",
    ]
