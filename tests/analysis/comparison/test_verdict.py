import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.comparison.resampled import Estimate, resample
from analysis.comparison.verdict import Flips, Verdict, count_flips, judge

NO_FLIPS = Flips(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("low", "high", "judgement"),
    [
        (0.001, 0.02, "better"),
        (-0.02, -0.001, "worse"),
        (-0.01, 0.01, "not told apart"),
        (0.0, 0.02, "not told apart"),
        (-0.02, 0.0, "not told apart"),
        (0.0, 0.0, "not told apart"),
        (1e-16, 2e-16, "not told apart"),
        (-2e-16, -1e-16, "not told apart"),
    ],
)
def test_the_interval_decides(low: float, high: float, judgement: str) -> None:
    assert Verdict(Estimate((low + high) / 2, low, high), NO_FLIPS).judgement == judgement


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_flips_are_counted_as_by_hand(images: list[tuple[int, bool, bool]]) -> None:
    persons = np.unique([person for person, _, _ in images], return_inverse=True)[1]
    targets = np.ones(len(images), np.int64)
    before, after = (np.array([image[place] for image in images], np.int64) for place in (1, 2))
    gained = dict.fromkeys(persons.tolist(), 0)
    for person, (_, was, now) in zip(persons.tolist(), images, strict=True):
        gained[person] += now - was
    assert count_flips(targets, persons, after, before) == Flips(
        sum(now and not was for _, was, now in images), sum(was and not now for _, was, now in images),
        sum(gain > 0 for gain in gained.values()), sum(gain < 0 for gain in gained.values()),
    )  # fmt: skip


def test_a_run_that_is_right_more_often_in_everybody_is_better() -> None:
    rng = np.random.default_rng(0)
    persons, targets = np.repeat(np.arange(60), 7), rng.integers(0, 4, 420)
    labels = np.stack([np.where(rng.random(420) < right, targets, (targets + 1) % 4) for right in (0.5, 0.9)])
    resampled = resample(targets, persons, labels, 4)
    better = judge(resampled, targets, persons, labels, run=1, against=0)
    worse = judge(resampled, targets, persons, labels, run=0, against=1)
    assert (better.judgement, worse.judgement) == ("better", "worse")
    there, back = better.flips, worse.flips
    assert (there.images_right, there.images_wrong) == (back.images_wrong, back.images_right)
    assert better.flips.images_right == ((labels[1] == targets) & (labels[0] != targets)).sum()
