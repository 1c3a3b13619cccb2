"""Competitions whose answers are known: persons, runs with errors of their own, and a test set that may differ.

A person has a gender, an age bucket, four nuisance traits (light, camera, ...) and a look of their own. A run sees a
noisy gender and age score of each image, moved by the person's traits as strongly as that run minds them, and a noisy
mask. So errors are shared by a person's images and by runs, and a test set with other traits reorders the runs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.matching.split_score import weighted_macro_f1

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TRAIN_SHARES = np.array([[549, 410, 83], [732, 817, 109]]) / 2700      # gender x age of the training persons
SHIFTED_SHARES = np.outer((0.6, 0.4), (0.38, 0.38, 0.24))              # as good submissions say of the test persons
SHIFTED_TRAITS = np.array([1.1, 0.3, 0.0, 0.0])                        # standard deviations
MASKS = np.array([0, 0, 0, 0, 0, 1, 2])                                # of a person's seven images
AGE_POINTS = np.array([0.0, 1.5, 3.2])                                 # of the three buckets on a run's age score
WORLDS = {"none": (False, False), "label shift": (True, False), "feature shift": (False, True), "both": (True, True)}


@dataclass(frozen=True)
class People:
    """n persons: gender and age bucket (n,), traits (n, 4), look (n, 2)."""

    gender: Ints
    age: Ints
    traits: Floats
    look: Floats

    @property
    def targets(self) -> Ints:
        """Class 0..17 of each image, (7 n,)."""
        return (MASKS * 6 + (self.gender * 3 + self.age)[:, None]).ravel()


@dataclass(frozen=True)
class Competition:
    """R runs on N training and M test images, and what the leaderboard would say of each."""

    targets: Ints               # (N,)
    persons: Ints               # (N,)
    oof: NDArray[np.float32]    # (R, N, 18)
    features: Floats            # (N, 16)
    test: NDArray[np.float32]   # (R, M, 18)
    test_features: Floats       # (M, 16)
    public: Floats              # (R,) macro F1 on one half of the test persons
    private: Floats             # (R,) and on the other


def simulate(world: str, seed: int, runs: int = 32, persons: int = 2700, test_persons: int = 1800) -> Competition:
    """One competition of the kind WORLDS names; the same seed gives the same one."""
    label_shift, feature_shift = WORLDS[world]
    rng = np.random.default_rng([seed, list(WORLDS).index(world), 20_211])      # no stream of a method under test
    train = draw_people(rng, persons, TRAIN_SHARES, np.zeros(4))
    unseen = draw_people(
        rng, test_persons, SHIFTED_SHARES if label_shift else TRAIN_SHARES, SHIFTED_TRAITS * feature_shift
    )
    taste = draw_taste(rng, runs)
    oof, test = predict(rng, train, taste), predict(rng, unseen, taste)
    embedding = rng.normal(0, 0.5, (9, 16))
    features, test_features = embed(rng, train, embedding), embed(rng, unseen, embedding)
    public = np.repeat(np.arange(test_persons) < test_persons // 2, MASKS.size)
    labels = test.argmax(2)

    def score(half: NDArray[np.bool_]) -> Floats:
        return weighted_macro_f1(unseen.targets[half], labels[:, half], np.ones(half.sum()))

    return Competition(
        targets=train.targets, persons=np.repeat(np.arange(persons), MASKS.size), oof=oof, features=features, test=test,
        test_features=test_features, public=score(public), private=score(~public),
    )


def draw_people(rng: np.random.Generator, count: int, shares: Floats, traits: Floats) -> People:
    """Persons with the given shares of gender x age (2, 3) and mean traits (4,)."""
    cell = rng.choice(shares.size, count, p=shares.ravel())
    return People(cell // 3, cell % 3, rng.normal(traits, 1, (count, 4)), rng.normal(size=(count, 2)))


def draw_taste(rng: np.random.Generator, runs: int) -> dict[str, Floats]:
    """What sets the runs apart: noise, how much they mind each trait, how sure of themselves they are."""
    return {
        "noise": rng.uniform(0.9, 1.1, (runs, 1, 1)),
        "gender": rng.normal((0.3, 0.2, 0.1, 0), 0.33, (runs, 4)),
        "age": rng.normal((0.18, 0.1, 0, 0.08), 0.15, (runs, 4)),
        "mask": rng.uniform(0.8, 1.3, (runs, 1, 1, 1)),
        "sureness": rng.uniform(0.7, 1.6, (runs, 1, 1, 1)),
    }


def predict(rng: np.random.Generator, people: People, taste: dict[str, Floats]) -> NDArray[np.float32]:
    """Each run's probabilities of the people's images, (R, 7 n, 18)."""
    runs, count = len(taste["gender"]), people.gender.size

    def seen(truth: Floats, minds: Floats, of_person: float, of_image: float) -> Floats:
        noise = rng.normal(0, of_person, (runs, count, 1)) + rng.normal(0, of_image, (runs, count, MASKS.size))
        return truth[:, None] + (minds @ people.traits.T)[:, :, None] + taste["noise"] * noise     # (R, n, 7)

    gender = seen((2 * people.gender - 1) * 2.6 + 0.6 * people.look[:, 0], taste["gender"], 0.7, 0.7)
    age = seen(AGE_POINTS[people.age] + 0.18 * people.look[:, 1], taste["age"], 0.26, 0.30)
    mask = np.eye(3)[MASKS] * 4 + (0.3, 0, 0) + taste["mask"] * rng.normal(0, 1.3, (runs, count, MASKS.size, 3))
    of_gender = softmax(np.stack((-gender, gender), axis=-1) * taste["sureness"])
    of_age = softmax(-1.5 * (age[..., None] - AGE_POINTS) ** 2 * taste["sureness"])
    of_mask = softmax(mask * taste["sureness"])
    joint = np.einsum("rnim,rnig,rnia->rnimga", of_mask, of_gender, of_age, dtype=np.float32, casting="same_kind")
    return joint.reshape(runs, count * MASKS.size, 18)


def embed(rng: np.random.Generator, people: People, embedding: Floats) -> Floats:
    """A network's features of the people's images, (7 n, 16): gender, age, traits and mask mixed, with noise."""
    gender = 2 * people.gender - 1 + 0.5 * people.look[:, 0]
    age = people.age + 0.35 * people.look[:, 1]
    of_person = np.column_stack((gender, age, people.traits))                                   # (n, 6)
    of_mask = np.tile(np.eye(3)[MASKS], (people.gender.size, 1))                                # (7 n, 3)
    clean = np.hstack((np.repeat(of_person, MASKS.size, axis=0), of_mask)) @ embedding
    return clean + rng.normal(0, 0.5, clean.shape)


def softmax(logits: Floats) -> Floats:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)
