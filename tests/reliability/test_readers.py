"""`compare` and `leaderboard` in a loop while a run commits and two processes write the ledger: all is always whole."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np

from analysis.comparison.chosen_runs import choose
from analysis.comparison.comparison import compare
from analysis.leaderboard.leaderboard_table import leaderboard_lines
from analysis.leaderboard.ledger import Submission, open_ledger, read_ledger
from benchmarks.simulated_runs import write_run, write_trial
from data.metadata import ImageData
from data.splits import PersonStratifiedKFold
from runners.fold_state import FoldState
from runners.run_folder import RunFolder
from runners.state import write_table


def write_rows(runs: Path, writer: int, commits: int) -> None:
    """A commit a row, each of a file of its own."""
    for number in range(commits):
        with open_ledger(runs) as rows:
            rows.append(
                Submission(
                    run="run_0/20261123-150000-a1b2c3d4e5",
                    sha256=f"{writer}{number:063x}",
                    upload=f"uploads/{writer}.csv",
                    registered="2026-11-23T15:00:00+00:00",
                    drift=0.1,
                    drift_earlier=None,
                    note=f'{writer}, [b]"{number}"',
                )
            )


def commit_runs(
    data: ImageData, runs: Path, done: Callable[[], bool], written: "multiprocessing.SimpleQueue[int]"
) -> None:
    """Epochs of an unfinished run, and run after run that comes to its end, until `done`."""
    rng, folds = np.random.default_rng(0), PersonStratifiedKFold(folds=2).assign(data.train, seed=0)
    commits = 0
    while not done():
        commits += 1
        unfinished = RunFolder(runs / "run_1" / "20991231-150000-aaaaaaaaaa")
        FoldState(unfinished.fold(0), print).save({"epoch": commits, "log": list(range(commits))})
        write_table(unfinished.fold(0).metrics, [{"epoch": epoch, "f1": 0.5} for epoch in range(1, commits + 1)])
        if commits % 5 == 0:
            oof = rng.dirichlet(np.ones(18), len(data.train)).astype(np.float32)
            test = rng.dirichlet(np.ones(18), (2, len(data.test))).astype(np.float32)
            write_run(RunFolder(runs / "run_2" / f"20270101-{commits:06d}-{commits:010x}"), data, folds, oof, test)
    written.put(commits)


def test_readers_meet_whole_files_only(lane, figures, tmp_path: Path) -> None:
    trial = write_trial(tmp_path, "both", seed=0, runs=3, persons=20, test_persons=10, folds=2)
    context, each, reads = multiprocessing.get_context("fork"), lane(15, 250), 0
    written, over = context.SimpleQueue(), context.Event()
    writers = [context.Process(target=write_rows, args=(trial.runs, writer, each)) for writer in (0, 1)]
    committer = context.Process(target=commit_runs, args=(trial.data, trial.runs, over.is_set, written))
    for process in (committer, *writers):
        process.start()
    before: list[Submission] = []
    try:
        while any(writer.is_alive() for writer in writers) or not reads:
            rows = read_ledger(trial.runs)
            assert rows[: len(before)] == before, "rows are only added"
            before, reads = rows, reads + 1
            compared = compare(choose(trial.runs, []))
            assert [row.run.experiment for group in compared.groups for row in group.rows].count("run_2") == 1
            lines, _ = leaderboard_lines(trial.runs, rows[:3], tmp_path / "matched.json")
            assert len(lines) == min(3, len(rows))
    finally:
        over.set()
        for process in (committer, *writers):
            process.join()
    assert [process.exitcode for process in (committer, *writers)] == [0, 0, 0]
    rows = read_ledger(trial.runs)
    for writer in (0, 1):
        numbers = [row.sha256[1:] for row in rows if row.sha256.startswith(str(writer))]
        assert numbers == [f"{number:063x}" for number in range(each)]
    assert len(rows) == 2 * each
    figures(
        "readers, two writers",
        f"{2 * each} commits of the ledger, {written.get()} of runs, {reads} times read by "
        "compare and leaderboard: 0 parse errors, 0 lost rows",
    )
