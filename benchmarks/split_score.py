"""Speed, memory and exactness of scoring splits: python -m benchmarks.split_score [--small]

10,000 candidates x 20 runs x 18,900 images x 18 classes against scikit-learn's f1_score in a loop, then 270,000 persons
x 100 runs. Each measurement runs in a process of its own, so that peak memory is its own; scikit-learn and ours are
timed in turns, pair by pair, because the machine may be busy. OpenBLAS picks kernels when it is loaded:
OPENBLAS_CORETYPE in the environment overrules it, so both ways are measured where it is set.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from analysis.matching.split_score import score_splits

CLASSES = 18
SKLEARN_SPLITS = 2          # timed per round: a split of 20 runs takes a tenth of a second
MIB = 2**20


@dataclass(frozen=True)
class Size:
    """One task: persons of seven images each, runs, candidates, and rounds of timing."""

    persons: int
    runs: int
    candidates: int
    rounds: int


FULL = Size(persons=2_700, runs=20, candidates=10_000, rounds=5)
SCALE = Size(persons=270_000, runs=100, candidates=500, rounds=1)
SMALL = Size(persons=60, runs=3, candidates=50, rounds=2)
SMALL_SCALE = Size(persons=600, runs=4, candidates=20, rounds=1)


def competition(size: Size) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.uint8], NDArray[np.bool_]]:
    """Random targets (N,), persons (N,), labels (E, N) right 7 times in 10, and candidates (S, P) of a fifth."""
    rng = np.random.default_rng(2021)
    persons = np.repeat(np.arange(size.persons, dtype=np.int32), 7)
    targets = rng.integers(0, CLASSES, persons.size, dtype=np.uint8)
    oof = np.empty((size.runs, persons.size), np.uint8)
    for run in oof:
        run[:] = np.where(rng.random(run.size, np.float32) < 0.7, targets, rng.integers(0, CLASSES, run.size, np.uint8))
    membership = rng.random((size.candidates, size.persons), np.float32) < 0.2
    return targets, persons, oof, membership


def compare(size: Size) -> dict[str, float]:
    """Seconds of ours for all candidates and of scikit-learn for one, their ratio, the largest difference, memory."""
    targets, persons, oof, membership = competition(size)
    ours, theirs, difference = [], [], 0.0
    for round_number in range(size.rounds):
        start = time.perf_counter()
        scores = score_splits(targets, persons, oof, membership)
        ours.append(time.perf_counter() - start)
        for row in range(SKLEARN_SPLITS * round_number, SKLEARN_SPLITS * (round_number + 1)):
            inside = membership[row][persons]
            start = time.perf_counter()
            reference = [f1_score(targets[inside], run[inside], average="macro") for run in oof]
            theirs.append(time.perf_counter() - start)
            difference = max(difference, float(np.abs(scores[row] - reference).max()))
    traced = traced_mib(targets, persons, oof, membership)
    one_split = np.reshape(theirs, (size.rounds, -1)).mean(1)
    return {
        "ours": float(np.median(ours)), "fastest": min(ours), "sklearn": float(np.median(theirs)),
        "ratio": float(np.median(size.candidates * one_split / ours)), "difference": difference,
        "traced": traced, "peak": peak_mib(),
    }


def stream(size: Size) -> dict[str, float]:
    """Seconds and memory of one pass over many persons and runs; one score against scikit-learn."""
    targets, persons, oof, membership = competition(size)
    start = time.perf_counter()
    scores = score_splits(targets, persons, oof, membership)
    seconds = time.perf_counter() - start
    inside = membership[0][persons]
    last = f1_score(targets[inside], oof[-1][inside], average="macro")
    return {
        "seconds": seconds, "difference": abs(float(scores[0, -1] - last)),
        "traced": traced_mib(targets, persons, oof, membership[:64]),       # memory does not grow with candidates
        "inputs": (targets.nbytes + persons.nbytes + oof.nbytes + membership.nbytes) / MIB, "peak": peak_mib(),
    }


def traced_mib(*arguments: NDArray[np.generic]) -> float:
    """Most memory score_splits holds at once beside its arguments, MiB."""
    tracemalloc.start()
    score_splits(*arguments)
    most = tracemalloc.get_traced_memory()[1] / MIB
    tracemalloc.stop()
    return most


def peak_mib() -> float:
    """Most memory this process has held so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_own_process(task: str, size: Size, own_kernels: bool) -> dict[str, float]:
    """Run `compare` or `stream` in a fresh interpreter; own_kernels lets OpenBLAS choose by the processor."""
    environment = dict(os.environ)
    if own_kernels:
        environment.pop("OPENBLAS_CORETYPE", None)
    command = [sys.executable, "-m", "benchmarks.split_score", "--task", task, "--size", json.dumps(asdict(size))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603  (ourselves)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def described(size: Size) -> str:
    """The task in words."""
    return f"{size.candidates:,} candidates x {size.runs} runs x {7 * size.persons:,} images x {CLASSES} classes"


def report(full: Size, scale: Size) -> None:
    """Print both measurements, the first with the kernels of the environment and with those of the processor."""
    forced = os.environ.get("OPENBLAS_CORETYPE")
    for own in (False, True) if forced else (True,):
        kernels = "kernels by the processor" if own else f"OPENBLAS_CORETYPE={forced}"
        print(f"{described(full)}, {kernels}")
        got = in_own_process("compare", full, own)
        print(f"  ours      {got['ours']:9.3f} s median, {got['fastest']:.3f} s fastest (to reach: 1.5)")
        print(f"  f1_score  {got['sklearn']:9.3f} s a split, so {got['sklearn'] * full.candidates:,.0f} s for all")
        print(f"  ratio     {got['ratio']:9,.0f} x faster, median of pairs (to reach: 1,000)")
        print(f"  exact to  {got['difference']:9.1e}   (to reach: 1e-12)")
        print(f"  memory    {got['traced']:9.0f} MiB beside the inputs, process {got['peak']:.0f} (to reach: 500)")
    print(f"{described(scale)}, {scale.persons:,} persons")
    got = in_own_process("stream", scale, own_kernels=True)
    print(f"  ours      {got['seconds']:9.1f} s, runs streamed, kernels by the processor")
    print(f"  memory    {got['traced']:9.0f} MiB beside the inputs of {got['inputs']:.0f}, process {got['peak']:.0f}")
    print(f"  exact to  {got['difference']:9.1e}")


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tiny task, to see that it runs")
    parser.add_argument("--task", choices=("compare", "stream"), help=argparse.SUPPRESS)
    parser.add_argument("--size", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.task is not None:
        measure = {"compare": compare, "stream": stream}[options.task]
        print(json.dumps(measure(Size(**json.loads(options.size)))))
    elif options.small:
        report(SMALL, SMALL_SCALE)
    else:
        report(FULL, SCALE)


if __name__ == "__main__":
    main()
