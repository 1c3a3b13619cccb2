"""Labels that may be wrong, by confident learning (Northcutt et al. 2021) as cleanlab does it, and in whose context.

A person has one gender and one age, so these are suspected only where an image is flagged and all images of the person
say the same other value: one of seven is the network's mistake, seven are more likely the label's. (On planted errors
this finds more, as surely, than flagging the mean of the person's images: docs/mistakes.md.) Mask states, and the
classes of other data, belong to an image. All are suggestions, to be looked at before they are believed: what the
networks find hard, such as ages near a bucket's edge, looks just like a wrong label.
"""

import warnings
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from analysis.mistakes.factors import Factor, class_factor, single_factors
from analysis.mistakes.judged_images import JudgedImages
from data.errors import DataError

INSTALL = "python -m pip install -r requirements-cleanlab.txt"
OF_AN_IMAGE = ("mask", "class")  # the other factors are a person's


@dataclass(frozen=True)
class Suspect:
    """A label that may be wrong."""

    person: str
    factor: str  # "gender", "age", "mask", or "class" in other data
    rows: NDArray[np.int64]  # judged images that bear the label: all of the person's, or one
    given: str  # in words, as data.labels has them
    suggested: str
    probability: float  # of the suggested value, mean over the rows
    of_given: float  # of the given value
    swapped: bool  # another image of the person has the suggested label, and is judged as this one's
    context: str  # how the person's images were judged, without a full stop


@dataclass(frozen=True)
class Suspects:
    """All suspected labels, those of the best judged factor first, then the surest."""

    found: tuple[Suspect, ...]
    agreement: dict[str, float]  # by factor: share of persons (of images for mask and class) judged as labelled
    undecided: dict[str, int]  # by factor: persons judged otherwise on the whole, but not by all their images


def find_suspects(judged: JudgedImages) -> Suspects:
    """Suspected labels of a run; DataError, which says how to install it, where cleanlab is not there."""
    if find_spec("cleanlab") is None:
        raise DataError(f"suspected wrong labels need cleanlab: {INSTALL}")
    factors = single_factors(judged.class_names) or (class_factor(judged.class_names),)
    found: dict[str, list[Suspect]] = {}
    agreement, undecided = {}, {}
    for factor in factors:
        views = _of_images if factor.name in OF_AN_IMAGE else _of_persons
        found[factor.name], agreement[factor.name], undecided[factor.name] = views(judged, factor)
    order = sorted(factors, key=lambda factor: -agreement[factor.name])
    return Suspects(tuple(suspect for factor in order for suspect in found[factor.name]), agreement, undecided)


def confident_issues(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of n labels (n,) cleanlab flags by the confident joint, from probabilities (n, V) of each value.

    Values that no label has can't be learnt, nor be suggested: their probability is shared out among the others.
    """
    from cleanlab.filter import find_label_issues  # type: ignore[import-untyped]  # an extra, and a second to import

    present, dense = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        return np.zeros(len(labels), np.bool_)
    of_present = probabilities[:, present] + 1e-12  # a row of zeros would stay one
    of_present /= of_present.sum(1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flagged = find_label_issues(dense, of_present, filter_by="confident_learning", n_jobs=1)
    return np.asarray(flagged, np.bool_)


def _of_persons(judged: JudgedImages, factor: Factor) -> tuple[list[Suspect], float, int]:
    """Suspects in a factor that belongs to a person, the share of persons that agree, and how many are undecided."""
    persons, person_of_image, images = np.unique(judged.persons, return_inverse=True, return_counts=True)
    value_of_image = factor.of_class[judged.targets]
    first = np.full(len(persons), len(judged.targets))
    np.minimum.at(first, person_of_image, np.arange(len(judged.targets)))
    given = value_of_image[first]  # (P,)
    of_images = _known(factor.probabilities(judged.probabilities), value_of_image)  # (n, V)
    mean = np.stack([np.bincount(person_of_image, column) for column in of_images.T], 1) / images[:, None]  # (P, V)
    suggested = mean.argmax(1)
    told_by = np.bincount(person_of_image, of_images.argmax(1) == suggested[person_of_image])  # (P,) images
    labelled = np.bincount(person_of_image, value_of_image == given[person_of_image])
    issues = confident_issues(value_of_image, of_images)  # (n,)
    flagged = (np.bincount(person_of_image, issues) > 0) & (suggested != given)
    certain = flagged & (told_by == images) & (labelled == images)  # a person of two genders is another problem
    chosen = np.flatnonzero(certain)
    chosen = chosen[np.argsort((mean[chosen, given[chosen]] - mean[chosen, suggested[chosen]]), kind="stable")]
    found = []
    for person in chosen:
        value, other = int(given[person]), int(suggested[person])
        count = int(images[person])
        images_told = f"all {count} images" if count > 1 else "the only image"
        found.append(
            Suspect(
                person=str(persons[person]),
                factor=factor.name,
                rows=np.flatnonzero(person_of_image == person),
                given=factor.values[value],
                suggested=factor.values[other],
                probability=float(mean[person, other]),
                of_given=float(mean[person, value]),
                swapped=False,
                context=f"judged {factor.values[other]} in {images_told}",
            )
        )
    return found, float((suggested == given).mean()), int((flagged & ~certain).sum())


def _of_images(judged: JudgedImages, factor: Factor) -> tuple[list[Suspect], float, int]:
    """Suspects in a factor that belongs to an image, the share of images that agree, and 0."""
    given = factor.of_class[judged.targets]  # (n,)
    probabilities = _known(factor.probabilities(judged.probabilities), given)
    suggested = probabilities.argmax(1)
    flagged = confident_issues(given, probabilities) & (suggested != given)
    margin = probabilities[np.arange(len(given)), given] - probabilities.max(1)  # (n,) <= 0
    found: list[Suspect] = []
    seen: set[int] = set()
    for row in np.flatnonzero(flagged)[np.argsort(margin[flagged], kind="stable")].tolist():
        if row in seen:
            continue
        images = judged.of_person(str(judged.persons[row]))
        partners = images[(given[images] == suggested[row]) & (suggested[images] == given[row])]
        pair = [row, int(partners[0])] if len(partners) == 1 and factor.name == "mask" else [row]
        for place in pair:
            others = images[~np.isin(images, pair)]
            found.append(
                Suspect(
                    person=str(judged.persons[row]),
                    factor=factor.name,
                    rows=np.array([place]),
                    given=factor.values[given[place]],
                    suggested=factor.values[suggested[place]],
                    probability=float(probabilities[place, suggested[place]]),
                    of_given=float(probabilities[place, given[place]]),
                    swapped=len(pair) == 2,
                    context=_beside(judged, pair, place, int((given[others] == suggested[others]).sum()), len(others)),
                )
            )
        seen.update(pair)
    return found, float((suggested == given).mean()), 0


def _known(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities (n, V) with 0 for values that no label has: they were never learnt."""
    return np.where(np.isin(np.arange(probabilities.shape[1]), labels), probabilities, 0.0)


def _beside(judged: JudgedImages, pair: list[int], place: int, agreeing: int, others: int) -> str:
    """How the person's other images were judged."""
    count = f"all {others}" if agreeing == others else f"{agreeing} of {others}"
    rest = f"{count} others judged as labelled" if others else "the person's only image"
    if len(pair) == 1:
        return rest
    other = str(judged.paths[pair[0] if place == pair[1] else pair[1]]).rpartition("/")[2]
    return f"swapped with {other}; {rest}"
