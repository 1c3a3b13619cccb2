"""The sample competition on disk: layout, determinism, never somebody else's folder, learnable without leaking."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.competition import scan_competition
from data.errors import DataError
from data.labels import STEM_TO_MASK, decode, encode
from data.synthetic import main, write_sample

ROOT = Path(__file__).parents[2]
TINY = {"train_persons": 10, "eval_persons": 4, "size": (32, 24)}
TINY_ARGUMENTS = ["--train-persons", "10", "--eval-persons", "4", "--size", "24x32"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("synthetic") / "tiny"
    assert write_sample(out, **TINY) is True
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def run(monkeypatch) -> Callable[..., None]:
    """The command, in this process."""
    def call(*arguments: str | Path) -> None:
        monkeypatch.setattr(sys, "argv", ["synthetic", *map(str, arguments)])
        main()
    return call


def test_layout_is_the_competitions(tiny):
    table = pd.read_csv(tiny / "train/train.csv", dtype={"id": str})
    folders = {path.name for path in (tiny / "train/images").iterdir() if not path.name.startswith(".")}
    assert folders == set(table["path"]) and len(table) == 10
    for folder in folders:
        seen = [path for path in (tiny / "train/images" / folder).iterdir() if not path.name.startswith(".")]
        assert {path.stem for path in seen} == set(STEM_TO_MASK) and len(seen) == 7
    info, solution = pd.read_csv(tiny / "eval/info.csv"), pd.read_csv(tiny / "solution.csv")
    seen = {path.name for path in (tiny / "eval/images").iterdir() if not path.name.startswith(".")}
    assert seen == set(info["ImageID"]) and (info["ans"] == 0).all() and len(info) == 28
    assert solution["ImageID"].tolist() == info["ImageID"].tolist() and solution["half"].value_counts().to_dict() == {
        "public": 14, "private": 14}
    assert not list((tiny / "eval").rglob("solution*"))


def test_every_image_decodes_in_the_format_of_its_extension(tiny):
    for file in (*tiny.glob("train/images/*/[!.]*"), *tiny.glob("eval/images/[!.]*")):
        with Image.open(file) as image:
            assert image.size == (24, 32) and image.mode == "RGB"
            assert image.format == ("PNG" if file.suffix == ".png" else "JPEG")
            image.load()


def test_our_reader_takes_it_whole_and_skips_what_is_hidden(tiny):
    data, findings = scan_competition(tiny)
    assert findings == [] and len(data.train) == 70 and len(data.test) == 28
    assert sorted(np.unique(data.train["target"])) == list(range(18))
    hidden = [file for file in contents(tiny) if any(part.startswith(".") for part in Path(file).parts)]
    names = [Path(file).name for file in hidden]
    assert {"._mask1.jpg", ".DS_Store"} <= set(names) and any(".ipynb_checkpoints/" in file for file in hidden)
    assert any(file.startswith("eval/images/._") and file.endswith(".jpg") for file in hidden)
    assert {file.split("/.ipynb_checkpoints/")[0] for file in hidden} == {
        file.removesuffix("/.ipynb_checkpoints") for file in data.hidden_files}
    with pytest.raises(OSError, match="cannot identify image"):
        Image.open(next(tiny.rglob("._mask1.jpg")))


def test_same_arguments_same_bytes_whatever_the_process_and_its_hash_seed(tiny, tmp_path):
    done = subprocess.run([sys.executable, "-m", "data.synthetic", "--out", str(tmp_path / "again"),  # noqa: S603
                           *TINY_ARGUMENTS], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "7"},
                          capture_output=True, text=True, check=True)
    assert done.stdout == f"{tmp_path / 'again'}: 10 training and 4 eval persons drawn, 98 images of 24x32.\n"
    assert contents(tmp_path / "again") == contents(tiny)


def test_another_seed_draws_other_people(tiny, tmp_path):
    write_sample(tmp_path / "other", **TINY, seed=1)
    ours, theirs = contents(tiny), contents(tmp_path / "other")
    images = [{data for name, data in files.items() if name.endswith("g")} for files in (ours, theirs)]
    assert images[0].isdisjoint(images[1])


def test_what_is_there_already_is_left_alone(tiny, run, capsys):
    before = {file: file.stat().st_mtime_ns for file in tiny.rglob("*")}
    assert write_sample(tiny, **TINY) is False
    run("--out", tiny, *TINY_ARGUMENTS)
    assert capsys.readouterr().out == f"{tiny}: this sample is already there, nothing to do.\n"
    assert before == {file: file.stat().st_mtime_ns for file in tiny.rglob("*")}


def test_another_sample_is_not_overwritten(tiny, run):
    before = contents(tiny)
    with pytest.raises(DataError, match=r"holds another sample, .*'seed': 0.*, not the one asked for, .*'seed': 5"):
        write_sample(tiny, **TINY, seed=5)
    with pytest.raises(SystemExit, match=f"^error: {tiny} holds another sample"):        # a text: exit code 1
        run("--out", tiny)
    assert contents(tiny) == before


@pytest.mark.parametrize("marker", [None, "not json", "[]"])
def test_somebodys_folder_is_not_overwritten(tmp_path, marker):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/holiday.jpg").write_text("precious")
    if marker:
        (tmp_path / "theirs/sample.json").write_text(marker)
    before = contents(tmp_path)
    with pytest.raises(DataError, match=f"{tmp_path / 'theirs'} (exists and is not a drawn|holds another) sample"):
        write_sample(tmp_path / "theirs", **TINY)
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataError, match="is not a drawn sample"):
        write_sample(tmp_path / "file", **TINY)
    assert contents(tmp_path) == {**before, "file": b"precious"}


def test_an_empty_folder_is_filled(tmp_path):
    assert write_sample(tmp_path, train_persons=1, eval_persons=1, size=(16, 12))
    assert json.loads((tmp_path / "sample.json").read_text())["train_persons"] == 1


def test_of_two_writers_at_once_one_draws_and_the_other_finds_it_done(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        written = [pool.submit(write_sample, tmp_path / "sample", **TINY) for _ in range(2)]
    assert sorted(future.result() for future in written) == [False, True]


def test_a_killed_run_leaves_no_half_sample_and_is_redone(tiny, tmp_path):
    out = tmp_path / "sample"
    process = subprocess.Popen([sys.executable, "-m", "data.synthetic", "--out", str(out)], cwd=ROOT,  # noqa: S603
                               stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob(".sample.unfinished-*/train/images/*/mask1.jpg")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    (tmp_path / ".samples").mkdir()
    assert write_sample(out, **TINY)
    assert {path.name for path in tmp_path.iterdir()} == {"sample", ".samples"}
    assert contents(out) == contents(tiny)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--train-persons", "0"], "train_persons must be at least 1, not 0"),
    (["--size", "384"], "a size is WxH, such as 384x512, not '384'"),
    (["--size", "8x512"], "width must be at least 12, not 8"),
    (["--seed", "x"], "invalid int value: 'x'")])
def test_arguments_that_cannot_be_are_usage_errors(tmp_path, run, capsys, arguments, message):
    with pytest.raises(SystemExit) as exit_:
        run("--out", tmp_path / "sample", *arguments)
    assert exit_.value.code == 2 and message in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def small_pixels(tmp_path_factory) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (N, 12 * 16 * 3), classes (N,) and persons (N,) of 48 persons."""
    out = tmp_path_factory.mktemp("leak") / "sample"
    write_sample(out, train_persons=48, eval_persons=1, size=(64, 48))
    train = scan_competition(out)[0].train
    images = [Image.open(out / path).convert("RGB").resize((12, 16), Image.Resampling.BOX) for path in train["path"]]
    pixels = np.array([np.asarray(image).ravel() / 255 for image in images])
    return pixels, train["target"].to_numpy(), train["person"].to_numpy()


def test_an_image_split_leaks_and_a_person_split_shows_what_was_learnt(small_pixels):
    pixels, target, person = small_pixels
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200, class_weight="balanced"))
    shuffled = [cross_val_predict(model, pixels, factor, cv=StratifiedKFold(5, shuffle=True, random_state=0))
                for factor in decode(target)]
    grouped = [cross_val_predict(model, pixels, factor, groups=person, cv=GroupKFold(5)) for factor in decode(target)]
    leaky, honest = (f1_score(target, encode(*factors), average="macro") for factors in (shuffled, grouped))
    assert leaky > honest + 0.1                                      # of the competition's own score
    assert 0.2 < honest < 0.6                                        # learnable from pixels, and not trivial
    mask, gender, age = (balanced_accuracy_score(*pair) for pair in zip(decode(target), grouped, strict=True))
    assert mask > 0.55 and gender > 0.7 and age > 0.45               # chance: a third, a half, a third
    assert balanced_accuracy_score(decode(target)[2], shuffled[2]) > age + 0.2   # identity gives the age away
