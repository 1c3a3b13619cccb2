"""The gap of registered submissions: parts that add up, leaks among them, and who is left out."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.leaderboard.gap_plot import gap_parts, write_gap_plot
from analysis.leaderboard.ledger import read_ledger
from analysis.leaderboard.registration import enter_score, find_run, prepare, register
from analysis.leaderboard.submission_gap import explain_gaps, read_folds
from analysis.matching.gap import Gap
from analysis.matching.label_shift import em_prior, label_weights
from analysis.matching.split_score import weighted_macro_f1
from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.state import read_arrays, write_arrays

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)


@pytest.fixture
def scored(trial: Trial) -> Trial:
    for number, score in enumerate((0.7, 0.6)):
        enter_score(trial.runs, find_run(trial.runs, f"run_{number}"), score, None, "", NOW)
    return trial


def test_parts_add_up_and_the_prior_is_that_of_all_runs_together(scored: Trial) -> None:
    (first, _), left_out = explain_gaps(scored.runs, read_ledger(scored.runs))
    both = [read_predictions(find_run(scored.runs, f"run_{number}")) for number in range(2)]
    read, gap = both[0], first.gap
    prior = em_prior(
        read.targets, np.stack([run.labels for run in both]),
        np.stack([run.test_as_out_of_fold().argmax(1) for run in both]), 18,
    )
    shifted = weighted_macro_f1(read.targets, read.labels[None], label_weights(read.targets, prior))[0]
    assert left_out == [] and gap.leak == 0 and gap.public_persons == 10
    assert gap.label_shift == pytest.approx(shifted - gap.oof)
    assert gap.leak + gap.label_shift + gap.rest == pytest.approx(0.7 - gap.oof)
    assert gap_parts(gap).sum() == pytest.approx(gap.total)
    assert "Leaks: 0 persons are on both sides" in first.text


def test_a_person_on_both_sides_is_a_leak(scored: Trial) -> None:
    run = find_run(scored.runs, "run_0")
    table = pd.read_csv(run.folds)
    person = table["person"].iloc[0]
    rows = table.index[table["person"] == person]
    table.loc[rows[:3], "fold"] = (table.loc[rows[0], "fold"] + 1) % 5
    table.to_csv(run.folds, index=False)
    arrays, order = read_arrays(run.oof), np.random.default_rng(0).permutation(280)
    write_arrays(run.oof, {name: array[order] for name, array in arrays.items()})
    (leaky, clean), _ = explain_gaps(scored.runs, read_ledger(scored.runs))
    read = read_predictions(run)
    kept = (read.persons != person).astype(float)
    assert (read.persons != table["person"]).any(), "joined by image, not by position"
    expected = weighted_macro_f1(read.targets, read.labels[None], kept)[0] - leaky.gap.oof
    assert leaky.gap.leak == pytest.approx(expected) and clean.gap.leak == 0
    assert "Leaks: 1 persons are on both sides" in leaky.text


def test_copies_in_other_folds_are_a_leak_where_the_images_are_at_hand(scored: Trial, tmp_path: Path) -> None:
    run, rng = find_run(scored.runs, "run_0"), np.random.default_rng(0)
    table, read = read_folds(run), read_predictions(run)
    for path in table["path"]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / path, format="PNG")
    original = table.index[table["fold"] == 0][0]
    copies = table.index[table["fold"] == 1][:40]
    for copy in copies:
        shutil.copyfile(tmp_path / table["path"][original], tmp_path / table["path"][copy])
    (first, second), _ = explain_gaps(scored.runs, read_ledger(scored.runs), tmp_path)
    kept = (~table.index.isin([original, *copies])).astype(float)
    expected = weighted_macro_f1(read.targets, read.labels[None], kept)[0] - first.gap.oof
    assert first.gap.leak == pytest.approx(expected) and second.gap.leak != 0
    assert "41 validated images have a near-duplicate among those trained on" in first.text


@pytest.mark.parametrize(("rest", "noise", "unexplained"), [
    (-0.3, -0.196, -0.104), (0.15, 0.15, 0), (0.2, 0.196, 0.004),
])
def test_the_noise_part_goes_as_far_as_it_can_and_no_further(rest: float, noise: float, unexplained: float) -> None:
    gap = Gap(0.5, 0.4 - rest, leak=None, label_shift=0.1, rest=rest, noise=0.1, public_persons=10)
    np.testing.assert_allclose(gap_parts(gap), [0, 0.1, noise, unexplained], atol=1e-12)


def test_who_can_not_be_explained_is_told(scored: Trial) -> None:
    register(scored.runs, prepare(scored.runs, find_run(scored.runs, "run_2"), NOW)[0])
    find_run(scored.runs, "run_1").oof.unlink()
    explained, left_out = explain_gaps(scored.runs, read_ledger(scored.runs))
    assert [each.submission.experiment for each in explained] == ["run_0"]
    assert "run_1 b2c3d4 is left out" in left_out[0] and "has no oof.npz" in left_out[0]
    assert left_out[1].endswith("is left out: it has no public score.")


def test_a_fold_that_is_no_number_is_named(scored: Trial) -> None:
    run = find_run(scored.runs, "run_0")
    lines = run.folds.read_text().splitlines()
    lines[2] = lines[2].rpartition(",")[0] + ",one"
    run.folds.write_text("\n".join(lines))
    with pytest.raises(DataError, match="folds.csv, row 3: fold is 'one'; expected 0, 1, ... or -1"):
        read_folds(run)


def test_the_picture_is_a_png_as_wide_for_one_run_as_for_many(scored: Trial) -> None:
    explained, _ = explain_gaps(scored.runs, read_ledger(scored.runs))
    for count in (1, 2):
        write_gap_plot(scored.runs / "gap.png", explained[:count])
        with Image.open(scored.runs / "gap.png") as image:
            assert image.format == "PNG" and image.width == 1400
            colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
            assert (0, 114, 178) in colours, "the label shift is drawn"
