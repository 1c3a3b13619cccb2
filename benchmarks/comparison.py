"""How long comparing takes: python -m benchmarks.comparison [--small]

Writes ten finished runs of 18,900 images that nobody trained, each with a declaration, a question and times, then asks
`python -m experiments compare` and `ledger` about them, each in a process of its own, interpreter and imports included.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.simulated_runs import write_trial
from runners.run_folder import RunFolder
from runners.state import write_json, write_table, write_text

RECORD: dict[str, Any] = {
    "seed": 42,
    "epochs": 2,
    "criteria": {"cross_entropy": {"call": "runners.criteria.CrossEntropy", "with": {}}},
    "criterion": "cross_entropy",
    "optimizer": {"call": "torch.optim.adamw.AdamW", "with": {"lr": 0.003, "weight_decay": 0.02}},
    "tta": [{"name": "runners.views.identity"}],
}
FULL, SMALL = (10, 2_700, 1_800), (3, 40, 20)  # runs, persons to train on, persons to predict
COMMANDS = (("compare",), ("compare", "--format", "json"), ("ledger",), ("compare", "--help"))


def declare(
    run: RunFolder,
    question: str,
    changed: Mapping[str, Any],
    *,
    parent: str | None = None,
    data: str = "images",
    split: str = "stratified",
    seconds: Sequence[float] = (1.5, 2.5),
) -> RunFolder:
    """Give a written run what a trained one has: RECORD with what was changed, identity, the question, times."""
    name = run.root.parent.name
    write_json(run.record, {"name": name, "parent": parent, **RECORD, **changed})
    write_json(run.identity, {"data": data, "split": split, "mode": "full"})
    write_text(run.source, f"{question!r}\n")
    for folder in sorted(run.root.glob("fold_*")):
        rows = [{"epoch": epoch, "seconds": took, "images": 7} for epoch, took in enumerate(seconds, start=1)]
        write_table(run.fold(int(folder.name[5:])).timing, rows)
    run.write_manifest()
    return run


def declared_runs(out: Path, runs: int, persons: int, test_persons: int, seed: int = 0) -> Path:
    """Write runs run_0, run_1, ... copied from run_0, each with a learning rate of its own; returns their folder."""
    trial = write_trial(out, "both", seed, runs, persons, test_persons)
    for number in range(runs):
        optimizer = {"call": "torch.optim.adamw.AdamW", "with": {"lr": 0.003 / (number + 1), "weight_decay": 0.02}}
        run = RunFolder(next((trial.runs / f"run_{number}").iterdir()))
        question = f"Does a learning rate {number + 1} times smaller help?"
        declare(run, question, {"optimizer": optimizer}, parent="run_0" if number else None)
    return trial.runs


def seconds(runs: Path, *words: str) -> float:
    """How long a command takes, from its start to its end."""
    place = () if "--help" in words else ("--runs", str(runs))
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "experiments", *words, *place], capture_output=True, check=True)  # noqa: S603
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tiny task, to see that it runs")
    size = SMALL if parser.parse_args(arguments).small else FULL
    with tempfile.TemporaryDirectory() as folder:
        runs = declared_runs(Path(folder), *size)
        print(f"{size[0]} finished runs of {size[1] * 7:,} images (to reach: 5 s; --help: 1 s)")
        for words in COMMANDS:
            took = min(seconds(runs, *words) for _ in range(3))
            print(f"  {' '.join(words):24} {took:6.2f} s")


if __name__ == "__main__":
    main()
