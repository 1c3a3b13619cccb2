"""Who takes part in the sample competition: persons with their files, and its three tables. Nothing is drawn here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.errors import DataError
from data.labels import GENDERS, STEM_TO_MASK, age_bucket, encode

# Persons by gender and age bucket: male <30, 30-59, >=60, then female. Those of the real training set are a fifth of
# its images with a mask worn; eval has the label shift seen in good submissions: 59 % male, 26 % aged 60 or more.
TRAIN_SHARES = np.array([549, 410, 83, 732, 817, 109]) / 2700
EVAL_SHARES = np.array([0.25, 0.19, 0.15, 0.14, 0.16, 0.11])
TRUE_YEARS = ((16.5, 20, 30), (30, 54, 60), (60, 70, 80))       # by bucket: from, commonest, to; labels are clipped
TRAIN, EVAL = 0, 1                                              # keys of the random streams
MIXED = ("jpg", "png", "jpg", "jpg", "jpg", "jpeg", "jpg")
ODD_EXTENSIONS = {3: ("png",) * 7, 6: ("jpeg",) * 7, 8: MIXED}  # by the person's place in train.csv; all others jpg


@dataclass(frozen=True)
class Sample:
    """The arguments that decide every byte of a sample; a DataError names the one that cannot be."""

    train_persons: int = 140
    eval_persons: int = 90
    height: int = 512
    width: int = 384
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments."""
        for name, least in (("train_persons", 1), ("eval_persons", 1), ("height", 16), ("width", 12), ("seed", 0)):
            if getattr(self, name) < least:
                raise DataError(f"A sample's {name} must be at least {least}, not {getattr(self, name)}.")


@dataclass(frozen=True)
class Person:
    """One person: key of the random streams, true age in years, and the files of STEM_TO_MASK's seven images."""

    key: tuple[int, int, int]
    gender: str
    years: float
    files: tuple[str, ...] = ()

    @property
    def age(self) -> int:
        """Age as labelled: whole years, clipped to 18..60."""
        return min(60, max(18, int(self.years)))


def train_people(sample: Sample) -> tuple[list[Person], pd.DataFrame]:
    """Training persons, and train.csv: id, gender, race, age, path; one row a person."""
    rng = np.random.default_rng((sample.seed, TRAIN, 0, 0))
    unplaced = _people(rng, sample.seed, TRAIN, sample.train_persons, TRAIN_SHARES)
    people, rows = [], []
    for place, (person, id_) in enumerate(zip(unplaced, _ids(rng, unplaced), strict=True)):
        path = f"{id_}_{person.gender}_drawn_{person.age}"
        endings = ODD_EXTENSIONS.get(place, ("jpg",) * len(STEM_TO_MASK))
        files = tuple(f"train/images/{path}/{stem}.{end}" for stem, end in zip(STEM_TO_MASK, endings, strict=True))
        people.append(Person(person.key, person.gender, person.years, files))
        rows.append((id_, person.gender, "drawn", person.age, path))
    return people, pd.DataFrame(rows, columns=["id", "gender", "race", "age", "path"])


def eval_people(sample: Sample) -> tuple[list[Person], pd.DataFrame, pd.DataFrame]:
    """Eval persons; info.csv: ImageID, ans (0 everywhere); solution.csv: ImageID, ans, half; the rows in one order.

    Halves are public and private; a person's seven images lie in one half, and the halves differ by a person at most.
    """
    rng = np.random.default_rng((sample.seed, EVAL, 0, 0))
    halves = rng.permutation(np.arange(sample.eval_persons) % 2)
    people, rows = [], []
    for person, half in zip(_people(rng, sample.seed, EVAL, sample.eval_persons, EVAL_SHARES), halves, strict=True):
        names = [_image_name(person, stem) for stem in STEM_TO_MASK]
        files = tuple(f"eval/images/{name}" for name in names)
        people.append(Person(person.key, person.gender, person.years, files))
        answers = encode(list(STEM_TO_MASK.values()), GENDERS.index(person.gender), age_bucket(person.age))      # (7,)
        rows += [(name, answer, ("public", "private")[half]) for name, answer in zip(names, answers, strict=True)]
    solution = pd.DataFrame(rows, columns=["ImageID", "ans", "half"]).iloc[rng.permutation(len(rows))]
    return people, solution[["ImageID"]].assign(ans=0), solution


def _people(rng: np.random.Generator, seed: int, part: int, count: int, shares: NDArray[np.float64]) -> list[Person]:
    groups = rng.permutation(np.repeat(np.arange(6), head_counts(count, shares))).tolist()
    return [Person((seed, part, number), GENDERS[group // 3], rng.triangular(*TRUE_YEARS[group % 3]))
            for number, group in enumerate(groups, start=1)]


def head_counts(count: int, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Persons (6,) of each gender and age bucket: near the shares, but in no group fewer than a fold each needs.

    From 90 persons on each group has 5 at least, in a smaller sample fewer; below 6 persons groups may be empty.
    """
    least = min(5, max(1, count // 18)) if count >= len(shares) else 0
    counts = np.full(len(shares), least)
    for _ in range(count - counts.sum()):
        counts[np.argmax(shares * count - counts)] += 1
    return counts


def _ids(rng: np.random.Generator, people: Sequence[Person]) -> list[str]:
    """Ids as odd as the real ones: leading zeros, a `-1` behind another person's id, one id shared by two persons."""
    numbers = np.sort(rng.choice(np.arange(1, max(7000, 2 * len(people))), len(people), replace=False))
    ids = [f"{number:06d}" for number in numbers]
    if len(ids) > 2:
        ids[2] = f"{ids[1]}-1"
    for place in range(4, len(ids)):
        if (people[place].gender, people[place].age) != (people[place - 1].gender, people[place - 1].age):
            ids[place] = ids[place - 1]                         # the paths differ all the same
            break
    return ids


def _image_name(person: Person, stem: str) -> str:
    return hashlib.sha1(f"{person.key}/{stem}".encode(), usedforsecurity=False).hexdigest() + ".jpg"
