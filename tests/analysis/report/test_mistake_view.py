from dataclasses import replace

import numpy as np
import pytest

from analysis.comparison.chosen_runs import choose
from analysis.mistakes.suspects import Suspect, Suspects
from analysis.mistakes.worst_mistakes import worst_mistakes
from analysis.report.mistake_view import IMAGES_OF_A_PERSON, SUSPECTS, mistakes_view
from analysis.report.run_section import RunSection, run_section
from benchmarks.simulated_runs import Trial


@pytest.fixture(scope="module")
def section(reported: Trial) -> RunSection:
    return run_section("first", choose(reported.runs, ["first"]).runs[0])


def test_a_mistake_stands_among_all_images_of_its_person(section: RunSection) -> None:
    judged = section.judged
    view = mistakes_view(section, {section.worst[0].image_id: "0:17"})
    assert view["mistakes"].startswith(f"{judged.wrong.sum()} of 84 images wrong")
    assert len(view["worst"]) == len(section.worst) == len({mistake.person for mistake in section.worst}) <= 8
    first, mistake = view["worst"][0], section.worst[0]
    assert first["title"] == mistake.image_id and first["truth"] == judged.class_names[mistake.target]
    rows = judged.of_person(mistake.person)
    assert [f"{mistake.person}/{image['id']}" for image in first["images"]] == judged.image_ids[rows].tolist()
    (chosen,) = [image for image in first["images"] if image["chosen"]]
    assert chosen["picture"] == "0:17" and not chosen["right"] and chosen["answer"] == first["answer"]
    assert [image["right"] for image in first["images"]] == (~judged.wrong[rows]).tolist()


def test_a_person_of_very_many_images_is_shown_in_part_with_the_mistake_in_front(section: RunSection) -> None:
    judged = replace(section.judged, persons=np.full(84, "one"))
    worst = worst_mistakes(judged, one_a_person=True)
    view = mistakes_view(replace(section, judged=judged, worst=worst), {})
    images = view["worst"][0]["images"]
    assert len(images) == IMAGES_OF_A_PERSON and images[0]["chosen"]
    assert not any(image["chosen"] for image in images[1:])


def test_a_run_without_mistakes_says_so(section: RunSection) -> None:
    right = replace(
        section, worst=(), mistakes=0, throughout=(), persons_wrong=0, pairs=(), suspects=Suspects((), {}, {})
    )
    view = mistakes_view(right, {})
    assert view["mistakes"] == "0 of 84 images wrong (0.0%)" and view["worst_text"] == "No image is judged wrong."
    assert view["throughout_text"] == "No person of two images or more is wrong in all of them."
    assert view["suspects_text"] == "Confident learning suspects no label."


def test_suspected_labels_are_cut_to_a_readable_list_or_their_absence_explained(section: RunSection) -> None:
    suspect = Suspect("a", "age", np.array([0]), "<30", ">=60", 0.9, 0.1, False, "judged >=60 in all 7 images")
    many = mistakes_view(replace(section, suspects=Suspects((suspect,) * (SUSPECTS + 1), {}, {})), {})
    assert len(many["suspects"]) == SUSPECTS and f"suspects {SUSPECTS + 1} labels" in many["suspects_text"]
    assert f"The first {SUSPECTS} are shown" in many["suspects_text"]
    few = mistakes_view(replace(section, suspects=Suspects((suspect,), {}, {})), {})
    assert "suspects 1 label:" in few["suspects_text"] and "shown" not in few["suspects_text"]
    assert few["suspects"][0]["bearer"] == "a"
    mask = mistakes_view(replace(section, suspects=Suspects((replace(suspect, factor="mask"),), {}, {})), {})
    assert mask["suspects"][0]["bearer"] == section.judged.image_ids[0]
    none = mistakes_view(replace(section, suspects=None), {})
    assert "needs cleanlab" in none["suspects_text"] and none["suspects"] == []


def test_confused_classes_are_named(section: RunSection) -> None:
    view, judged = mistakes_view(section, {}), section.judged
    pair = section.pairs[0]
    first = view["pairs"][0]
    assert (first["truth"], first["answer"]) == (judged.class_names[pair.target], judged.class_names[pair.predicted])
    assert first["images"] == ((judged.targets == pair.target) & (judged.labels == pair.predicted)).sum()
    assert len(view["pairs"]) == min(10, len(section.pairs))
