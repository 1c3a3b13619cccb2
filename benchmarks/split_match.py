"""How well a leaderboard is foretold in simulated worlds: python -m benchmarks.split_match [--repeats R] [--small]

Each world is drawn R times. Methods see the out-of-fold predictions and public scores of E runs, then score 20 new runs
against the private half: root mean square error, and Kendall's tau of the order. Figures to beat come from an earlier
prototype on worlds like these. Below each world, how often a row was recommended and chosen.
"""

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.matching.candidates import prior_inclusion, sample_persons
from analysis.matching.label_shift import em_prior
from analysis.matching.match_evidence import Evidence, gather_evidence
from analysis.matching.run_order import kendall
from analysis.matching.split_score import score_splits
from analysis.split_match import SplitMatch, match_splits
from benchmarks.simulated_competition import WORLDS, Competition, simulate

SUBMISSIONS = (3, 5, 12)
NEW_RUNS = 20
VALID_FRACTION = 0.2
TO_BEAT = {
    ("label shift", "whole table"): "E=5 .029", ("label shift", "one stratified split"): "E=5 .034",
    ("label shift", "one split to the prior"): "E=5 .015", ("label shift", "label-weighted table"): "E=5 .012",
    ("label shift", "noise floor"): "about .010",
    ("feature shift", "whole table"): "E=12 .075, .53", ("feature shift", "stratified"): "E=12 .061",
    ("feature shift", "tilted to test"): "E=12 .030",
    ("feature shift", "tilted to test, best averaged"): "E=12 .029",
    ("feature shift", "domain-weighted table"): "E=12 .021", ("feature shift", "EXPECTED score"): "E=12 tau .86",
}


def foretell(world: str, seed: int, candidates: int, scale: float) -> pd.DataFrame:
    """One simulated competition: a row a number of submissions and method, with its error and order on new runs."""
    runs, persons, test_persons = SUBMISSIONS[-1] + NEW_RUNS, round(2700 * scale), round(1800 * scale)
    competition = simulate(world, seed, runs, persons, test_persons)
    rows = [row for count in SUBMISSIONS for row in measure(competition, count, candidates, seed)]
    return pd.DataFrame(rows).assign(world=world)


def measure(competition: Competition, submissions: int, candidates: int, seed: int) -> Iterator[dict[str, object]]:
    """Every method's scores of the new runs, against their private scores."""
    first, new = slice(submissions), slice(SUBMISSIONS[-1], None)
    known = (competition.targets, competition.persons, competition.oof[first], competition.public[first])
    match = match_splits(
        *known, test=competition.test[first], features=competition.features, test_features=competition.test_features,
        valid_fraction=VALID_FRACTION, candidates=candidates, seed=seed,
    )
    evidence = gather_evidence(*known, competition.test[first], None, None, VALID_FRACTION)
    unchosen = one_of_each(evidence, np.random.default_rng([seed, 77]))
    members = np.stack(list(unchosen.values()))
    scores = score_splits(competition.targets, competition.persons, competition.oof[new], members)
    foretold = dict(zip(unchosen, scores, strict=True))
    foretold |= {row: expected(match, competition.oof[new], row) for row in match.table.index}
    foretold["CHOSEN split"] = foretold[match.family]
    foretold["EXPECTED score"] = foretold[match.recommended]
    blind = match_splits(*known, valid_fraction=VALID_FRACTION, candidates=candidates, seed=seed)
    foretold["EXPECTED, no test images"] = expected(blind, competition.oof[new], blind.recommended)
    private, public = competition.private[new], competition.public[new]
    for method, values in foretold.items():
        error = match.table["error"].get(method, np.nan)
        yield {
            "submissions": submissions, "method": method, "square": np.mean((values - private) ** 2),
            "tau": kendall(values, private), "held_out": error**2,
            "note": {"CHOSEN split": match.family, "EXPECTED score": match.recommended}.get(method, ""),
        }
    floor = np.mean((public - private) ** 2) / 2        # either half strays as far from the truth
    yield {
        "submissions": submissions, "method": "noise floor", "square": floor, "tau": kendall(public, private),
        "held_out": match.noise**2, "note": "",
    }


def one_of_each(evidence: Evidence, rng: np.random.Generator) -> dict[str, NDArray[np.bool_]]:
    """Two splits (P,) that nobody chose by a score: stratified, and drawn to the estimated prior."""
    size = round(VALID_FRACTION * len(evidence.persons))
    assert evidence.test_labels is not None  # noqa: S101  (simulated runs always predict the test set)
    prior = em_prior(evidence.targets, evidence.labels, evidence.test_labels, evidence.class_count)
    stratum = np.unique(evidence.class_counts, axis=0, return_inverse=True)[1].ravel()
    even = np.full(len(evidence.persons), size / len(evidence.persons))
    to_prior = prior_inclusion(evidence.class_counts, prior, size)
    return {
        "one stratified split": sample_persons(rng, even[None], stratum)[0],
        "one split to the prior": sample_persons(rng, to_prior[None], stratum)[0],
    }


def expected(match: SplitMatch, oof: NDArray[np.float32], row: str) -> NDArray[np.float64]:
    """Scores of runs (R, N, C) by one row of the match's table, (R,)."""
    return np.array([match.expected(run, by=row) for run in oof])


def report(results: pd.DataFrame, repeats: int) -> str:
    """The table, a block a world, no line above 100 columns."""
    lines = [
        f"Error (RMSE) and Kendall's tau of {NEW_RUNS} new runs on the private half; E submissions, {repeats} repeats.",
        "held out: leave-one-submission-out error in the table of a match, E=12 (noise floor: estimate).",
    ]
    means = results.groupby(["world", "method", "submissions"])[["square", "tau", "held_out"]].mean()
    for world in results["world"].unique():
        lines += ["", f"{world:30s}{'RMSE E=3':>9s}{'E=5':>7s}{'E=12':>7s}{'tau E=3':>9s}{'E=5':>6s}{'E=12':>6s}"
                      f"{'held out':>10s}  to beat, tau"]
        for method in results.loc[results["world"] == world, "method"].unique():
            part = means.loc[(world, method)].loc[list(SUBMISSIONS)]
            errors, taus = np.sqrt(part["square"]), part["tau"]
            held_out = np.sqrt(part["held_out"].iloc[-1])
            lines.append(
                f"{method:30s}{errors.iloc[0]:9.4f}{errors.iloc[1]:7.4f}{errors.iloc[2]:7.4f}{taus.iloc[0]:9.2f}"
                f"{taus.iloc[1]:6.2f}{taus.iloc[2]:6.2f}{'' if np.isnan(held_out) else format(held_out, '.4f'):>10s}"
                f"  {TO_BEAT.get((world, method), '')}".rstrip()
            )
        lines += picks(results[results["world"] == world])
    return "\n".join(lines)


def picks(results: pd.DataFrame) -> list[str]:
    """How often each row was chosen or recommended, a line a number of submissions."""
    lines = []
    for method, count in product(("EXPECTED score", "CHOSEN split"), SUBMISSIONS):
        notes = results.loc[(results["method"] == method) & (results["submissions"] == count), "note"]
        tally = ", ".join(f"{name} {times}" for name, times in Counter(notes).most_common())
        lines.append(f"  {method} E={count}: {tally}"[:100])
    return lines


def main(arguments: list[str] | None = None) -> None:
    """Run every world and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10, help="competitions drawn of each world")
    parser.add_argument("--small", action="store_true", help="a tenth of the persons, few candidates, this process")
    options = parser.parse_args(arguments)
    tasks = list(product(WORLDS, range(options.repeats)))
    if options.small:
        tables = [foretell(world, seed, candidates=250, scale=0.1) for world, seed in tasks]
    else:
        os.environ["OMP_NUM_THREADS"] = "1"         # two processes of one thread; read when they import numpy
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(foretell, world, seed, 10_000, 1.0) for world, seed in tasks]
            tables = [job.result() for job in jobs]
    print(report(pd.concat(tables, ignore_index=True), options.repeats))


if __name__ == "__main__":
    main()
