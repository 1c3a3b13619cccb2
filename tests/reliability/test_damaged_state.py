"""Damage to what a run keeps: all of it is found, the state before is taken with a warning, the bits are the same."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from rehearsal import Start, one_small_fold
from same_results import assert_same_results, assert_same_values, only_run

from data.errors import DataError
from runners.fold_state import FoldState
from runners.run_folder import FoldFolder, RunFolder
from runners.state import read_checkpoint

DAMAGES = ("bit flip", "truncation", "zero fill", "swapped file")


def stop_before(name: str) -> None:
    """End the process when it is about to write a file of this name."""
    import os

    rename = os.replace

    def stop(source: object, target: object) -> None:
        if Path(str(target)).name == name:
            os._exit(9)
        rename(source, target)  # type: ignore[arg-type]

    os.replace = stop  # type: ignore[assignment]


@pytest.fixture
def interrupted(once: tuple[Start, Start], tmp_path: Path) -> tuple[Start, Start]:
    """Copies of a whole run, and of the same stopped after its last epoch, with a state and the one before."""
    whole, stopped = (replace(start, folder=tmp_path / start.folder.name) for start in once)
    for mine, kept in zip((whole, stopped), once, strict=True):
        shutil.copytree(kept.folder, mine.folder)
    return whole, stopped


@pytest.fixture(scope="module")
def once(competition: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Start, Start]:
    """The two runs, made once."""
    tmp_path = tmp_path_factory.mktemp("once")
    whole = Start(one_small_fold(), competition, tmp_path / "whole")
    whole.finish()
    stopped = replace(whole, folder=tmp_path / "stopped", prepare=partial(stop_before, "predictions.npz"))
    stopped.begin().wait(60)
    assert only_run(stopped.runs).fold(0).previous.exists()
    return whole, replace(stopped, prepare=partial(bool))


def damage(rng: random.Random, kind: str, body: bytes, others: list[bytes]) -> bytes:
    """The bytes of a damaged file; never the same."""
    start, length = rng.randrange(len(body)), rng.randint(1, 4096)
    if kind == "bit flip":
        return body[:start] + bytes([body[start] ^ 1 << rng.randrange(8)]) + body[start + 1 :]
    if kind == "truncation":
        return body[:start]
    if kind == "zero fill":
        zeroed = body[:start] + bytes(len(body[start : start + length])) + body[start + length :]
        return zeroed if zeroed != body else bytes(len(body))
    return rng.choice([other for other in others if other != body])


def never_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a file is loaded in a way that could run code."""
    load = torch.load

    def only_weights(*arguments: object, **keywords: object) -> object:
        assert keywords.get("weights_only") is True
        return load(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "load", only_weights)


def test_damaged_states(lane, figures, interrupted, tmp_path: Path, monkeypatch) -> None:
    """The state before is taken; that the run then ends with the same bits is seen for some of each kind."""
    whole, stopped = interrupted
    fold, rng, found = only_run(stopped.runs).fold(0), random.Random(1), Counter[str]()
    body, earlier = fold.state.read_bytes(), read_checkpoint(fold.previous)
    other_fold = tmp_path / "other"
    shutil.copytree(only_run(stopped.runs).root, other_fold / f"20261123-120000-{'f' * 10}")
    theirs = FoldFolder(next(other_fold.iterdir()) / "fold_0")
    FoldState(theirs, print).save(read_checkpoint(fold.previous))
    others = [path.read_bytes() for path in (fold.best, fold.metrics, theirs.state)]
    others += [path.read_bytes() for path in only_run(whole.runs).root.glob("**/*.npz")]
    each, continued = lane(50, 200), lane(1, 6)
    never_pickle(monkeypatch)
    for kind in DAMAGES:
        for number in range(each):
            warnings: list[str] = []
            fold.state.write_bytes(damage(rng, kind, body, others))
            state = FoldState(fold, warnings.append).load()
            assert len(warnings) == 1 and "the epoch before is taken" in warnings[0], f"{kind}: {warnings}"
            assert_same_values(state, earlier)
            found[kind] += 1
            if number < continued:
                again = replace(stopped, folder=tmp_path / f"{kind} {number}")
                shutil.copytree(stopped.runs, again.runs)
                printed = again.finish().printed
                assert "warning: " in printed and "continues after epoch 2" in printed
                assert_same_results(only_run(whole.runs), only_run(again.runs))
    figures(
        "damaged state",
        f"{found.total()} of {found.total()} found ({', '.join(f'{n} x {k}' for k, n in found.items())})"
        f", the one before taken; {continued * len(DAMAGES)} continued, with the same bits",
    )


def test_any_other_damaged_file_of_an_unfinished_run(lane, figures, interrupted, tmp_path: Path) -> None:
    """The run goes on, whatever was damaged: to the same results, and with the files as they should be."""
    whole, stopped = interrupted
    names = ["fold_0/best.pth", "fold_0/metrics.csv", "fold_0/timing.csv", "experiment.json", "environment.json",
             "folds.csv", "identity.json", "experiment.py", "fold_0/previous.pth"]  # fmt: skip
    rng, tried = random.Random(4), 0
    for name in names[lane(2, 0) :: lane(3, 1)]:
        for kind in DAMAGES[: lane(1, 3)]:
            again, tried = replace(stopped, folder=tmp_path / f"{tried}"), tried + 1
            shutil.copytree(stopped.runs, again.runs)
            file = only_run(again.runs).root / name
            file.write_bytes(damage(rng, kind, file.read_bytes(), []))
            again.finish()
            assert_same_results(only_run(whole.runs), only_run(again.runs))
            for declared in ("experiment.json", "folds.csv", "identity.json", "experiment.py"):
                assert (only_run(again.runs).root / declared).read_bytes() == (
                    only_run(whole.runs).root / declared
                ).read_bytes(), f"{declared} after damage to {name}"
    figures("damage, unfinished run", f"{tried} damages to other files of a run: all went on to the same bits")


def test_damage_to_a_finished_run(lane, figures, interrupted, tmp_path: Path) -> None:
    """Every file of it is under the manifest, the manifest itself included."""
    whole, _ = interrupted
    run, rng, found = only_run(whole.runs), random.Random(9), 0
    files = [path for path in sorted(run.root.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    bodies = {path: path.read_bytes() for path in files}
    for number in range(lane(60, 200)):
        path, kind = files[number % len(files)], DAMAGES[number // len(files) % len(DAMAGES)]
        others = [other for other in bodies.values() if other != bodies[path]]
        path.write_bytes(damage(rng, kind, bodies[path], others))
        found += notices(run.check_manifest, path, same=bodies[path])
        path.write_bytes(bodies[path])
    run.check_manifest()
    figures("damage, finished run", f"{found} of {found} found by the manifest")


def notices(check: Callable[[], None], path: Path, same: bytes) -> int:
    """1 where the check refuses; a manifest whose blanks changed says the same as before."""
    try:
        check()
    except DataError:
        return 1
    assert path.name == "MANIFEST.json" and path.read_bytes().split() == same.split(), f"damage to {path} is not found"
    return 0


def test_the_manifest_names_the_file(interrupted) -> None:
    run = only_run(interrupted[0].runs)
    run.submission.write_text(run.submission.read_text().replace(",", ";", 1))
    with pytest.raises(DataError, match="submission.csv is no longer what it was"):
        RunFolder(run.root).check_manifest()
