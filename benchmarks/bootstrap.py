"""Do the intervals hold what they promise? python -m benchmarks.bootstrap [--small]

Populations are simulated (benchmarks.simulated_competition): seven images a person, 18 classes as rare as the
competition's, two runs whose errors are shared by a person's images. Persons are drawn from them again and again, and
every interval is held against the population's own macro F1. Where the runs are to be equally good, the population is
joined by its mirror image, in which they have changed places: their difference is then 0 exactly.
Worlds: "strong" and "weak" runs (F1 about .85 and .5); "alike" ones give the same answer on 85 % of the images.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from analysis.comparison.bootstrap import interval
from analysis.comparison.resampled import Estimate, Resampled, resample
from analysis.matching.split_score import Floats, score_splits
from benchmarks.simulated_competition import MASKS, TRAIN_SHARES, Ints, draw_people, draw_taste, predict

CLASSES, IMAGES = 18, MASKS.size  # of a person
WEAK = 2.5  # times the noise of a strong run
TOGETHER = 0.6  # share of the images whose gender and age are answered as the person's first image is
SAME_ANSWER = 0.85
KINDS = ("strong", "weak", "strong, alike", "weak, alike")
BLOCK = 2_000  # persons that are predicted at once
EVERYBODY = 20_000  # persons of a population
TIMED = (2_000, 10, 2_700)  # resamples, runs, persons


@dataclass(frozen=True)
class Population:
    """All there is: targets (N,), labels of two runs (2, N), seven images a person in a row."""

    targets: Ints
    labels: Ints

    @property
    def scores(self) -> Floats:
        """True macro F1 of both runs, (2,)."""
        everybody = np.ones((1, self.targets.size // IMAGES), np.uint8)
        persons = np.repeat(np.arange(everybody.size), IMAGES)
        return score_splits(self.targets, persons, self.labels, everybody)[0]

    def sample(self, rng: np.random.Generator, persons: int) -> tuple[Ints, Ints]:
        """Targets (n,) and labels (2, n) of persons drawn independently."""
        drawn = rng.integers(self.targets.size // IMAGES, size=persons)
        images = (drawn[:, None] * IMAGES + np.arange(IMAGES)).ravel()
        return self.targets[images], self.labels[:, images]


@dataclass(frozen=True)
class Coverage:
    """Shares of samples in which an interval holds the truth, lies below it, lies above it."""

    holds: float
    below: float
    above: float


@dataclass(frozen=True)
class Measured:
    """Intervals of the difference by method, of one run's F1 (ours), and standard deviations of the difference."""

    truth: Floats  # (2,)
    difference: dict[str, Coverage]
    f1: dict[str, Coverage]
    deviation: float  # true: over the samples
    by_persons: float  # mean over samples of the bootstrap's
    by_images: float


def draw_population(seed: int, kind: str, equal: bool, persons: int = EVERYBODY) -> Population:
    """A population of one of KINDS; the same seed gives the same one."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    taste = draw_taste(rng, 2)
    if not equal:
        taste["noise"][1] += 0.2
    if kind.startswith("weak"):
        taste["noise"] *= WEAK
    targets, labels = [], []
    for _ in range(-(-persons // BLOCK)):
        people = draw_people(rng, min(BLOCK, persons), TRAIN_SHARES, np.zeros(4))
        answers = predict(rng, people, taste).argmax(2).reshape(2, -1, IMAGES)  # (2, persons, 7)
        together = rng.random(answers.shape[1:]) < TOGETHER
        answers = np.where(together, answers // 6 * 6 + answers[..., :1] % 6, answers)
        labels.append(answers.reshape(2, -1))
        targets.append(people.targets)
    truth, predicted = np.concatenate(targets), np.concatenate(labels, axis=1)
    if kind.endswith("alike"):
        predicted[1] = np.where(rng.random(truth.size) < SAME_ANSWER, *predicted)
    if equal:
        truth, predicted = np.tile(truth, 2), np.concatenate((predicted, predicted[::-1]), axis=1)
    return Population(truth, predicted)


def measure(population: Population, persons: int, samples: int, resamples: int, seed: int = 0) -> Measured:
    """Draw samples of persons, make every interval of each, and count those that hold the truth."""
    rng, truth = np.random.default_rng([seed, persons]), population.scores
    ends: dict[str, list[tuple[float, float]]] = {}
    of_f1: dict[str, list[tuple[float, float]]] = {}
    differences, by_persons, by_images = [], [], []
    for number in range(samples):
        targets, labels = population.sample(rng, persons)
        of_image = np.arange(targets.size)
        found = resample(targets, of_image // IMAGES, labels, CLASSES, resamples=resamples, seed=number)
        images = resample(targets, of_image, labels, CLASSES, resamples=max(2, resamples // 4), seed=number)
        for name, pair in _intervals(found).items():
            ends.setdefault(name, []).append(pair)
        ends.setdefault("images", []).append(_pair(images.difference(0, 1)))
        of_f1.setdefault("ours", []).append(_pair(found.f1(0)))
        of_f1.setdefault("percentile", []).append(interval(found.draws[:, 0]))
        differences.append(found.scores[0] - found.scores[1])
        by_persons.append((found.draws[:, 0] - found.draws[:, 1]).std())
        by_images.append((images.draws[:, 0] - images.draws[:, 1]).std())
    return Measured(
        truth=truth,
        difference={name: _coverage(pairs, truth[0] - truth[1]) for name, pairs in ends.items()},
        f1={name: _coverage(pairs, truth[0]) for name, pairs in of_f1.items()},
        deviation=float(np.std(differences)),
        by_persons=float(np.mean(by_persons)),
        by_images=float(np.mean(by_images)),
    )


def seconds(resamples: int, runs: int, persons: int) -> float:
    """How long resampling takes: scores, intervals and all."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, CLASSES, persons * IMAGES)
    wrong = rng.random((runs, targets.size)) < 0.3
    labels = np.where(wrong, rng.integers(0, CLASSES, wrong.shape), targets)
    names = np.repeat([f"{person:06d}" for person in range(persons)], IMAGES)
    start = time.perf_counter()
    resampled = resample(targets, names, labels, CLASSES, resamples=resamples)
    for run in range(runs):
        resampled.f1(run), resampled.difference(run, 0)
    return time.perf_counter() - start


def _intervals(found: Resampled) -> dict[str, tuple[float, float]]:
    """The interval in use and those of the textbook (Efron, Tibshirani 1993, chapters 13 and 14)."""
    draws = found.draws[:, 0] - found.draws[:, 1]
    estimate = found.scores[0] - found.scores[1]
    low, high = interval(draws)
    return {
        "ours": _pair(found.difference(0, 1)),
        "percentile": (low, high),
        "basic": (2 * estimate - high, 2 * estimate - low),
        "BCa": _bca(draws, estimate, found.left_out[:, 0] - found.left_out[:, 1]),
    }


def _bca(draws: Floats, estimate: float, left_out: Floats) -> tuple[float, float]:
    """Bias-corrected and accelerated, eq. 14.9 to 14.15."""
    influence = left_out.mean() - left_out
    squares = (influence**2).sum()
    acceleration = (influence**3).sum() / (6 * squares**1.5) if squares else 0.0
    below = (np.mean(draws < estimate) + np.mean(draws <= estimate)) / 2
    bias = norm.ppf(np.clip(below, 1 / draws.size, 1 - 1 / draws.size))
    reach = bias + norm.ppf((0.025, 0.975))
    low, high = np.quantile(draws, norm.cdf(bias + reach / (1 - acceleration * reach)))
    return float(low), float(high)


def _pair(estimate: Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def _coverage(pairs: Sequence[tuple[float, float]], truth: float) -> Coverage:
    ends: NDArray[np.float64] = np.array(pairs)  # (samples, 2)
    below, above = float(np.mean(ends[:, 1] < truth)), float(np.mean(ends[:, 0] > truth))
    return Coverage(1 - below - above, below, above)


def report(
    sizes: Sequence[int], samples: int, resamples: int, timed: tuple[int, int, int], seed: int, everybody: int
) -> None:
    """Print the time, then a row a world (of `everybody` persons) and size: coverage, false verdicts, deviations."""
    took = min(seconds(*timed) for _ in range(3))
    print(f"{timed[0]:,} resamples x {timed[1]} runs x {timed[2] * IMAGES:,} images: {took:.2f} s (to reach: 2)")
    print(f"{samples} samples a row, {resamples} resamples; shares of intervals that hold the truth, in %")
    print(f"{'':28}{'difference of two runs':>31}{'F1 of one':>12}{'false':>7}{'deviation':>21}")
    methods = f"{'ours':>6}{'perc.':>6}{'basic':>6}{'BCa':>6}{'images':>7}{'ours':>6}{'perc.':>6}"
    print(f"{'world':20}{'persons':>8}{methods}{'better':>7}{'true':>7}{'person':>7}{'image':>7}")
    for kind in KINDS:
        for equal in (True, False):
            population = draw_population(seed, kind, equal, everybody)
            for persons in sizes:
                found = measure(population, persons, samples, resamples, seed)
                _print_row(f"{kind}{', equal' if equal else ''}", persons, found)


def _print_row(world: str, persons: int, found: Measured) -> None:
    held = [found.difference[name].holds for name in ("ours", "percentile", "basic", "BCa", "images")]
    of_f1 = [found.f1[name].holds for name in ("ours", "percentile")]
    false = f"{100 * found.difference['ours'].above:7.1f}" if world.endswith("equal") else f"{'':7}"
    pairs = zip((*held, *of_f1), (6, 6, 6, 6, 7, 6, 6), strict=True)
    shares = "".join(f"{100 * share:{width}.1f}" for share, width in pairs)
    spread = f"{found.deviation:7.4f}{found.by_persons:7.4f}{found.by_images:7.4f}"
    print(f"{world:20}{persons:8,}{shares}{false}{spread}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a tiny task, to see that it runs")
    parser.add_argument("--samples", type=int, default=400, help="a row; a share of 95 %% is then sure to 1.1 (1 sd)")
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--persons", type=int, nargs="+", default=[140, 400, 2_700])
    parser.add_argument("--seed", type=int, default=0, help="of the populations")
    given = parser.parse_args(arguments)
    if given.small:
        report((30,), samples=10, resamples=50, timed=(50, 2, 30), seed=given.seed, everybody=500)
    else:
        report(given.persons, given.samples, given.resamples, TIMED, given.seed, EVERYBODY)


if __name__ == "__main__":
    main()
