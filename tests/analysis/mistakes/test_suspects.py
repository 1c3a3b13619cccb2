"""Planted wrong labels are suspected, in the words of their person; what is flagged is what cleanlab flags."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from cleanlab.filter import find_label_issues
from numpy.typing import NDArray

from analysis.mistakes.factors import single_factors
from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.suspects import confident_issues, find_suspects
from data.errors import DataError
from data.labels import CLASS_NAMES, decode, encode

Judge = Callable[..., JudgedImages]
PERSONS = 60
MASKS = np.tile([0, 0, 0, 0, 0, 1, 2], PERSONS)


def truth(persons: int = PERSONS) -> NDArray[np.int64]:
    """Classes (7 persons,): genders in turn, ages in blocks."""
    gender, age = np.arange(persons) % 2, np.arange(persons) // 2 % 3
    return encode(MASKS[: 7 * persons], np.repeat(gender, 7), np.repeat(age, 7))


def networks(classes: NDArray[np.int64], seed: int = 0, sure: float = 5.0) -> NDArray[np.float64]:
    """Probabilities (n, 18) of networks that are mostly right."""
    logits = np.random.default_rng(seed).normal(size=(len(classes), 18)) + sure * np.eye(18)[classes]
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_a_gender_that_all_seven_images_contradict_is_a_label_of_the_person(judge: Judge) -> None:
    labels = truth()
    mask, gender, age = decode(labels)
    wrong = np.isin(np.arange(len(labels)) // 7, [4, 17])
    judged = judge(encode(mask, np.where(wrong, 1 - gender, gender), age), networks(labels))
    found = find_suspects(judged)
    assert [(suspect.person[:6], suspect.factor) for suspect in found.found] in (
        [("000004", "gender"), ("000017", "gender")],
        [("000017", "gender"), ("000004", "gender")],
    )
    suspect = next(each for each in found.found if each.person.startswith("000004"))
    assert (suspect.given, suspect.suggested) == ("female", "male")  # person 4 is a man
    assert suspect.rows.tolist() == list(range(28, 35))
    assert suspect.context == "judged male in all 7 images" and not suspect.swapped
    of_male = judged.probabilities[28:35][:, decode(np.arange(18))[1] == 0].sum(1).mean()
    assert np.isclose(suspect.probability, of_male) and np.isclose(suspect.of_given, 1 - of_male)
    assert found.agreement["gender"] == 58 / 60 and found.agreement["mask"] == 1


def test_a_person_whose_images_disagree_is_counted_not_listed(judge: Judge) -> None:
    labels = truth()
    mask, gender, age = decode(labels)
    person = np.arange(len(labels)) // 7 == 4
    contrary = np.where(person, 1 - gender, gender)
    probabilities = networks(encode(mask, contrary, age))
    assert find_suspects(judge(labels, probabilities)).undecided["gender"] == 0
    probabilities[34] = np.eye(18)[labels[34]]  # without a mask: as labelled
    found = find_suspects(judge(labels, probabilities))
    assert found.found == () and found.undecided["gender"] == 1


def test_swapped_images_are_told_as_a_swap(judge: Judge) -> None:
    labels = truth()
    mask, gender, age = decode(labels)
    swapped = mask.copy()
    swapped[[33, 34]] = swapped[[34, 33]]  # incorrect_mask and normal of person 4
    found = find_suspects(judge(encode(swapped, gender, age), networks(labels))).found
    assert {(int(suspect.rows[0]), suspect.given, suspect.suggested) for suspect in found} == {
        (33, "absent", "incorrect"),
        (34, "incorrect", "absent"),
    }
    assert all(suspect.swapped and suspect.factor == "mask" for suspect in found)
    contexts = {int(suspect.rows[0]): suspect.context for suspect in found}
    assert contexts[33] == "swapped with normal.jpg; all 5 others judged as labelled"
    assert contexts[34] == "swapped with incorrect_mask.jpg; all 5 others judged as labelled"


def test_a_single_wrong_mask_state_stands_alone(judge: Judge) -> None:
    labels = truth()
    mask, gender, age = decode(labels)
    mask[[28, 40]] = 2  # a worn mask labelled absent, persons 4 and 5
    found = find_suspects(judge(encode(mask, gender, age), networks(labels))).found
    assert {int(suspect.rows[0]) for suspect in found} == {28, 40}
    assert [suspect.context for suspect in found] == ["all 6 others judged as labelled"] * 2
    assert not any(suspect.swapped for suspect in found)


def test_other_classes_are_suspected_image_by_image(judge: Judge) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    logits = rng.normal(size=(90, 3)) + 5 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels[7] = (labels[7] + 1) % 3
    found = find_suspects(judge(labels, probabilities, None, ("cat", "dog", "eel")))
    assert [suspect.rows.tolist() for suspect in found.found] == [[7]]
    assert found.found[0].factor == "class" and found.agreement.keys() == {"class"}


def test_the_best_judged_factor_comes_first_and_the_surest_suspect(judge: Judge) -> None:
    labels = truth()
    mask, gender, age = decode(labels)
    person = np.arange(len(labels)) // 7
    gender = np.where(np.isin(person, [4, 17]), 1 - gender, gender)
    age = np.where(np.isin(person, [2, 9, 23]), (age + 1) % 3, age)
    found = find_suspects(judge(encode(mask, gender, age), networks(labels)))
    factors = [suspect.factor for suspect in found.found]
    assert factors == ["gender"] * 2 + ["age"] * 3
    margins = [suspect.probability - suspect.of_given for suspect in found.found]
    assert margins[:2] == sorted(margins[:2], reverse=True) and margins[2:] == sorted(margins[2:], reverse=True)


def test_flags_are_those_of_cleanlab(judge: Judge) -> None:
    rng = np.random.default_rng(5)
    for factor in single_factors(CLASS_NAMES):
        classes = rng.integers(0, 18, 300)
        probabilities = factor.probabilities(networks(classes, 1, sure=1.5))
        labels = factor.of_class[classes]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
        assert 0 < expected.sum() < 300
        assert (confident_issues(labels, probabilities) == expected).all()


def test_a_value_that_no_label_has_is_never_suggested(judge: Judge) -> None:
    """As in data without anybody of 60: the networks may still say so."""
    labels = truth()
    mask, gender, age = decode(labels)
    young = encode(mask, gender, np.minimum(age, 1))
    probabilities = networks(young)
    for row in range(7):  # person 0, below 30, looks 60, or else 45
        probabilities[row] = 0
        probabilities[row, encode(mask[row], gender[row], [0, 1, 2])] = 0.002, 0.398, 0.6
    (suspect,) = find_suspects(judge(young, probabilities)).found
    assert suspect.rows.tolist() == list(range(7)) and (suspect.given, suspect.suggested) == ("<30", "30-59")
    assert not confident_issues(np.zeros(5, np.int64), np.full((5, 2), 0.5)).any()


def test_without_cleanlab_a_sentence_says_how_to_install_it(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.mistakes.suspects.find_spec", lambda name: None)
    with pytest.raises(DataError, match="need cleanlab: python -m pip install -r requirements-cleanlab.txt"):
        find_suspects(judge(truth(), networks(truth())))
