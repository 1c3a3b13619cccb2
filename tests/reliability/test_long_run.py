"""A thousand epochs of the smoke experiment's network: memory and open files stay as they are, the log is readable."""

import csv
import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from rehearsal import Start
from same_results import only_run, read_everything

from data.splits import PersonHoldout
from experiments.smoke import EXPERIMENT


def watch_epochs() -> None:
    """Write the process's memory and open files after each epoch, beside the runs."""
    import callbacks.progress

    told = callbacks.progress.ProgressCallback.on_epoch_end
    page, note = os.sysconf("SC_PAGE_SIZE"), os.open("/proc/self/fd/1", os.O_WRONLY | os.O_APPEND)

    def tell(self: object, runner: object) -> None:
        told(self, runner)  # type: ignore[arg-type]
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * page
        row = {"resident": resident, "files": len(os.listdir("/proc/self/fd"))}
        os.write(note, f"{json.dumps(row)}\n".encode())

    callbacks.progress.ProgressCallback.on_epoch_end = tell  # type: ignore[method-assign]


def test_a_long_run(lane, figures, competition: Path, tmp_path: Path) -> None:
    """From the twentieth epoch on: the allocator takes what it needs in the first ones."""
    epochs, settled = lane(40, 1000), 20
    experiment = replace(
        EXPERIMENT,
        name="long",
        epochs=epochs,
        patience=epochs,
        split=partial(PersonHoldout, valid_fraction=0.3),
        scheduler=None,
    )
    start = Start(experiment, competition, tmp_path, ("--jobs", "1"), prepare=watch_epochs)
    lines = start.finish(timeout=1800).printed.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith('{"resident"')]
    assert len(rows) == epochs
    growth = rows[-1]["resident"] / rows[settled]["resident"] - 1
    assert growth < 0.05, f"{growth:.1%} more memory"
    assert len({row["files"] for row in rows[1:]}) == 1, "open files"
    run = only_run(start.runs)
    read_everything(run.root)
    for name in ("metrics.csv", "timing.csv"):
        with (run.root / "fold_0" / name).open(newline="") as file:
            assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(1, epochs + 1))
    assert sum(line.startswith("fold 1/1  epoch") for line in lines) == epochs
    figures(
        "a long run",
        f"{epochs} epochs: memory {growth:+.1%} after epoch {settled}, {rows[-1]['files']} files open from "
        "first to last, the log whole",
    )
