import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from callbacks.roc import class_roc_auc, roc_auc
from data.labels import CLASS_NAMES, decode
from runners.scores import run_scores, score


def predictions(images: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.permutation(np.arange(images) % 18), rng.dirichlet(np.ones(18), images).astype(np.float32)


def test_scores_are_those_of_a_log_by_the_same_names() -> None:
    targets, scores = predictions(180)
    found = score(targets, scores, CLASS_NAMES, {"auc": roc_auc})
    answers = scores.argmax(1)
    assert found["f1"] == pytest.approx(f1_score(targets, answers, average="macro"), abs=1e-12)
    gender = f1_score(decode(targets)[1], decode(answers)[1], average="macro")
    assert found["f1_gender"] == pytest.approx(gender, abs=1e-12)
    assert found["auc"] == pytest.approx(roc_auc_score(targets, scores, multi_class="ovr"), abs=1e-6)
    assert "f1_gender" not in score(targets, scores, [str(name) for name in range(18)], {})


def test_a_score_that_is_no_number_is_null_and_folds_and_all_images_are_scored_alike() -> None:
    targets, scores = predictions(36)
    table = pd.DataFrame({"person": np.arange(36), "target": targets, "fold": np.arange(36) % 2})
    folds = [{"epochs": np.array(3), "best_epoch": np.array(2)}] * 2
    found = run_scores(table, scores, folds, CLASS_NAMES, {"auc_of": class_roc_auc})
    json.dumps(found, allow_nan=False)
    absent = set(range(18)) - set(targets[::2])
    assert absent and all(found["folds"][0][f"auc_of_{number}"] is None for number in absent)
    assert found["oof"]["auc_of_3"] is not None and set(found["oof"]) - {"images", "persons"} < set(found["folds"][0])
    first = score(targets[::2], scores[::2], CLASS_NAMES, {})
    assert first == {name: found["folds"][0][name] for name in first}
    assert found["f1_mean"] == pytest.approx(np.mean([row["f1"] for row in found["folds"]]))
