"""The test prior is estimated by all runs on the same images, and by no other."""

import dataclasses

import numpy as np

from analysis.leaderboard.prior_estimate import estimated_prior, same_images
from analysis.leaderboard.registration import find_run
from analysis.matching.label_shift import em_prior
from analysis.run_predictions import read_predictions
from benchmarks.simulated_runs import Trial


def test_runs_on_other_images_or_classes_have_no_say(trial: Trial) -> None:
    first, second, third = (read_predictions(find_run(trial.runs, f"run_{number}")) for number in range(3))
    assert same_images(first, second)
    others = [
        dataclasses.replace(second, targets=(second.targets + 1) % 18),
        dataclasses.replace(second, image_ids=second.image_ids[::-1]),
        dataclasses.replace(second, test_ids=np.char.add("x", second.test_ids)),
    ]
    assert not any(same_images(first, other) for other in others)
    both = [first, third]
    as_oof = np.stack([each.test_as_out_of_fold().argmax(1) for each in both])
    expected = em_prior(first.targets, np.stack([each.labels for each in both]), as_oof, 18)
    found = estimated_prior(first, [first, *others, third])
    np.testing.assert_allclose(found, expected)
    assert not np.allclose(estimated_prior(first, []), expected)


def test_without_test_images_there_is_no_estimate(trial: Trial) -> None:
    run = read_predictions(find_run(trial.runs, "run_0"))
    assert estimated_prior(dataclasses.replace(run, test=run.test[:0], test_ids=run.test_ids[:0]), []) is None
