"""What the coverage benchmark simulates is what it says, and its intervals are counted right; no time is tested."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from benchmarks.bootstrap import CLASSES, IMAGES, KINDS, draw_population, main, measure


@pytest.mark.parametrize("kind", KINDS)
def test_equally_good_runs_are_so_exactly_and_others_are_not(kind: str) -> None:
    equal, other = (draw_population(0, kind, same, persons=400) for same in (True, False))
    assert equal.scores[0] == equal.scores[1] and (equal.labels[0] != equal.labels[1]).any()
    expected = [f1_score(other.targets, run, average="macro") for run in other.labels]
    assert other.scores == pytest.approx(expected, abs=1e-12) and expected[0] != expected[1]
    agreement = (other.labels[0] == other.labels[1]).mean()
    assert (agreement > 0.85) == kind.endswith("alike") or kind == "strong"
    assert set(other.targets) <= set(range(CLASSES))


def test_images_of_a_person_err_together() -> None:
    population = draw_population(0, "strong", equal=False, persons=2000)
    wrong = (population.labels[0] != population.targets).reshape(-1, IMAGES)
    assert wrong.mean(1).var() > 2 * wrong.mean() * (1 - wrong.mean()) / IMAGES  # independent errors: once


def test_samples_are_whole_persons() -> None:
    population = draw_population(0, "strong", equal=False, persons=50)
    targets, labels = population.sample(np.random.default_rng(0), 30)
    blocks = {row.tobytes() for row in population.targets.reshape(-1, IMAGES)}
    assert targets.shape == (210,) and labels.shape == (2, 210)
    assert {row.tobytes() for row in targets.reshape(-1, IMAGES)} <= blocks


def test_the_intervals_in_use_hold_the_truth_where_those_over_images_do_not() -> None:
    """Few samples: the bounds are five standard deviations wide of 93 to 97 %, and would catch a wrong formula."""
    population = draw_population(0, "strong", equal=True, persons=4000)
    found = measure(population, persons=150, samples=120, resamples=200)
    ours, images = found.difference["ours"], found.difference["images"]
    assert ours.holds >= 0.86 and ours.above <= 0.10 and ours.below <= 0.10
    assert images.holds < ours.holds - 0.03 and found.f1["ours"].holds >= 0.85
    assert ours.holds + ours.above + ours.below == pytest.approx(1)
    assert found.by_images < 0.8 * found.by_persons and found.by_persons == pytest.approx(found.deviation, rel=0.25)


def test_prints_a_row_a_world_in_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--small"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100 and len(lines) == 4 + 2 * len(KINDS)
    assert lines[0].startswith("50 resamples x 2 runs x 210 images: ")
    assert all(line.startswith(kind) for line, kind in zip(lines[4::2], KINDS, strict=True))
