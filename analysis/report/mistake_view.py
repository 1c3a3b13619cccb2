"""What the templates show of a run's mistakes: the worst, with all images of the person, and persons never right."""

import math
from collections.abc import Mapping
from typing import Any

from analysis.mistakes.confusion import ConfusedPair
from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.suspects import INSTALL, OF_AN_IMAGE, Suspect
from analysis.mistakes.worst_mistakes import Mistake, PersonWrong
from analysis.report.run_section import RunSection

View = dict[str, Any]
SUSPECTS = 20  # labels shown of a run
IMAGES_OF_A_PERSON = 12  # shown in a strip; a group of other data may have hundreds


def mistakes_view(section: RunSection, pictures: Mapping[str, str]) -> View:
    """Everything of the section Mistakes; pictures: image_id -> "table:row" for images the page has a picture of."""
    judged = section.judged
    images, share = len(judged.targets), section.mistakes / len(judged.targets)
    return {
        "mistakes": f"{section.mistakes:,} of {images:,} images wrong ({share:.1%})",
        "pairs": [_pair(judged, pair) for pair in section.pairs],
        "worst_text": _worst_text(len(section.worst)),
        "worst": [_mistake(judged, mistake, pictures) for mistake in section.worst],
        "throughout_text": _throughout_text(section),
        "throughout": [_person(judged, person, pictures) for person in section.throughout],
        "suspects_text": _suspects_text(section),
        "suspects": []
        if section.suspects is None
        else [_suspect(judged, suspect) for suspect in section.suspects.found[:SUSPECTS]],
    }


def _pair(judged: JudgedImages, pair: ConfusedPair) -> View:
    return {
        "truth": judged.class_names[pair.target],
        "answer": judged.class_names[pair.predicted],
        "images": pair.images,
        "persons": pair.persons,
        "share": pair.share,
        "percent": _percent(pair.share),
        "back": pair.back,
        "differs": ", ".join(pair.differs),
    }


def _worst_text(count: int) -> str:
    if not count:
        return "No image is judged wrong."
    first = "The one that costs most loss" if count == 1 else f"The {count} that cost most loss, one a person"
    return f"{first}. A row holds all images of the person, the mistake framed."


def _mistake(judged: JudgedImages, mistake: Mistake, pictures: Mapping[str, str]) -> View:
    rows = judged.of_person(mistake.person).tolist()
    if len(rows) > IMAGES_OF_A_PERSON:
        rows = [mistake.row, *[row for row in rows if row != mistake.row]]
    return {
        "title": mistake.image_id,
        "truth": judged.class_names[mistake.target],
        "answer": judged.class_names[mistake.predicted],
        "probability": _percent(mistake.probability),
        "of_truth": _percent(math.exp(-mistake.loss)),
        "images": _strip(judged, rows, pictures, mistake.row),
    }


def _person(judged: JudgedImages, person: PersonWrong, pictures: Mapping[str, str]) -> View:
    factors = " and ".join(person.throughout)
    text = f"{person.images} images, mean loss {person.loss:.2f}" + (f"; {factors} wrong in each" if factors else "")
    return {"title": person.person, "text": text, "images": _strip(judged, person.rows.tolist(), pictures, None)}


def _strip(judged: JudgedImages, rows: list[int], pictures: Mapping[str, str], chosen: int | None) -> list[View]:
    return [
        {
            "id": str(judged.image_ids[row]).removeprefix(f"{judged.persons[row]}/"),
            "truth": judged.class_names[judged.targets[row]],
            "answer": judged.class_names[judged.labels[row]],
            "right": not judged.wrong[row],
            "probability": _percent(float(judged.probabilities[row].max())),
            "chosen": row == chosen,
            "picture": pictures.get(str(judged.image_ids[row]), ""),
        }
        for row in rows[:IMAGES_OF_A_PERSON]
    ]


def _throughout_text(section: RunSection) -> str:
    count, shown = section.persons_wrong, len(section.throughout)
    if not count:
        return "No person of two images or more is wrong in all of them."
    first = f"; the {shown} that cost most are shown" if shown < count else ""
    return f"{count} {'person is' if count == 1 else 'persons are'} never judged right{first}."


def _suspects_text(section: RunSection) -> str:
    if section.suspects is None:
        return f"Not looked for: this needs cleanlab ({INSTALL})."
    count = len(section.suspects.found)
    if not count:
        return "Confident learning suspects no label."
    first = f" The first {SUSPECTS} are shown; python -m experiments mistakes tells all." if count > SUSPECTS else ""
    return (
        f"Confident learning suspects {count} label{'' if count == 1 else 's'}: suggestions, to look at first.{first}"
    )


def _suspect(judged: JudgedImages, suspect: Suspect) -> View:
    """A mask state is an image's, gender and age are a person's."""
    of_image = suspect.factor in OF_AN_IMAGE
    return {**vars(suspect), "bearer": str(judged.image_ids[suspect.rows[0]]) if of_image else suspect.person}


def _percent(probability: float) -> str:
    return f"{100 * probability:.0f}\u00a0%" if probability >= 0.01 or probability == 0 else "under 1\u00a0%"
