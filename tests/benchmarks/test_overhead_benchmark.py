from pathlib import Path

import torch

from benchmarks.machine import machine
from benchmarks.overhead import BATCH, CLASSES, main, make_fold, ours, prepare


def test_prints_a_row_a_contestant(capsys) -> None:
    main(["--batches", "3", "--rounds", "1"])
    header, *rows, note, told = capsys.readouterr().out.splitlines()
    assert header.split() == "CPU us a batch over bare goal".split()
    assert [row[:18].strip() for row in rows] == ["bare loop", "bare loop and F1", "this project"]
    assert [float(row[18:].split()[0]) > 0 for row in rows] == [True] * 3
    assert rows[-1].endswith("<=250") and note == "1 rounds of 3 batches of 32, one thread"
    assert told == machine()


def test_the_runner_trains_on_all_batches_with_every_callback_of_a_fold(tmp_path: Path) -> None:
    fold = make_fold(tmp_path)
    ours(prepare(3), prepare(1), fold)
    log = fold.folder.metrics.read_text().splitlines()
    assert len(log) == 3 and {"train_loss", "train_f1", "valid_f1"} <= set(log[0].split(","))
    assert torch.load(fold.folder.state, weights_only=True)["steps"] == [2, 8, 8 * BATCH]


def test_batches_are_whole_and_of_all_classes() -> None:
    batches = list(prepare(40))
    assert {len(batch["targets"]) for batch in batches} == {BATCH}
    assert torch.cat([batch["targets"] for batch in batches]).unique().tolist() == list(range(CLASSES))
