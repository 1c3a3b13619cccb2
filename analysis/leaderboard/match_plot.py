"""Validation against leaderboard before and after a match, as a picture: how far from the diagonal, in which order."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from analysis.leaderboard.match_inputs import MatchInputs
from analysis.leaderboard.match_record import TWO_SIDED
from analysis.leaderboard.matched_split import Expectation, expectations
from analysis.matching.split_score import score_splits, weighted_macro_f1
from analysis.split_match import SplitMatch
from data.errors import DataError
from runners.state import write_bytes

Floats = NDArray[np.float64]

BLUE, VERMILLION, GREY, BAND = "#0072B2", "#D55E00", "#767676", "#E3E3E3"     # Okabe and Ito's, apart for every eye
LABEL_LINES = 26        # names that fit beside a panel
FOOTNOTE = "Off by: root mean square error on the public scores; of the split, on submissions it was not chosen by."
_LEADER = {"arrowstyle": "-", "color": "#B0B0B0", "linewidth": 0.7, "shrinkB": 5, "relpos": (0, 0.5)}


@dataclass(frozen=True)
class MatchPicture:
    """What is drawn of E scored runs: names, public scores (E,), and the validation scores before and after."""

    names: Sequence[str]
    public: Floats              # (E,)
    whole: Floats               # (E,) on the whole out-of-fold table
    folds: Floats               # (E, K) on each fold in use
    split: Floats               # (E,) on the matched split
    expected: Floats            # (E,) by the recommended row
    noise: float
    titles: tuple[str, str]
    recommended: str


def match_picture(match: SplitMatch, inputs: MatchInputs) -> MatchPicture:
    """The numbers of the picture, from a match and what it was made of."""
    persons, place = np.unique(inputs.table["person"].to_numpy(np.str_), return_inverse=True)
    targets, labels = inputs.table["target"].to_numpy(np.int64), inputs.oof.argmax(2)
    fold_of_person = np.zeros(len(persons), np.int64)
    fold_of_person[place] = inputs.folds
    members = fold_of_person == np.unique(inputs.folds)[:, None]                        # (K, P)
    told: list[Expectation] = expectations(match, inputs)[: len(inputs.scored)]
    error = match.table["error"]
    return MatchPicture(
        names=[row.short_name for row in inputs.scored], public=inputs.public,
        whole=weighted_macro_f1(targets, labels, np.ones(targets.size)),
        folds=score_splits(targets, place, labels, members).T,
        split=np.array([each.split for each in told]), expected=np.array([each.expected for each in told]),
        noise=match.noise, recommended=match.recommended,
        titles=(f"Before: plain out-of-fold table, off by {error.iloc[0]:.4f}",
                f"After: matched split ({match.family}), off by {error[match.family]:.4f}"),
    )


def write_match_plot(path: Path, picture: MatchPicture) -> None:
    """Replace `path` by a PNG of both panels; DataError where it can't be written."""
    figure = Figure(figsize=(11.5, 6.1), layout="constrained", facecolor="white")
    before, after = figure.subplots(1, 2, sharex=True, sharey=True)
    low, high = _limits(picture)
    for axes, title in zip((before, after), picture.titles, strict=True):
        _frame(axes, title, low, high, picture.noise)
    before.set_ylabel("macro F1 in validation")
    for scores in picture.folds.T:
        before.plot(picture.public, scores, "_", color=GREY, markersize=9, zorder=2)
    before.plot([], [], "_", color=GREY, markersize=9, label="each plain fold")
    before.plot(picture.public, picture.whole, "o", color=BLUE, markersize=8, label="all folds together", zorder=4)
    after.plot(picture.public, picture.split, "D", color=VERMILLION, markersize=7, label="matched split", zorder=4)
    after.plot(
        picture.public, picture.expected, "o", markerfacecolor="none", markeredgecolor="black", markersize=12,
        label=f"expected, by {picture.recommended}", zorder=3,
    )
    _label(before, picture.names, picture.public, picture.whole, low, high)
    _label(after, picture.names, picture.public, picture.split, low, high)
    for axes in (before, after):
        axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.11), fontsize=9, frameon=False, borderaxespad=0)
    figure.supxlabel(FOOTNOTE, fontsize=9, color=GREY)
    body = io.BytesIO()
    figure.savefig(body, format="png", dpi=140)
    try:
        write_bytes(path, body.getvalue())
    except OSError as error:
        raise DataError(f"{path} can't be written: {error.strerror}.") from error


def _frame(axes: Axes, title: str, low: float, high: float, noise: float) -> None:
    ends = np.array([low, high])
    reach = TWO_SIDED * noise
    axes.fill_between(ends, ends - reach, ends + reach, color=BAND, linewidth=0, zorder=0,
                      label=f"the public score's noise, ±{reach:.3f} (95 %)")
    axes.plot(ends, ends, color=GREY, linewidth=1, zorder=1)
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="macro F1 on the public leaderboard", aspect="equal")
    axes.set_title(title, fontsize=11, loc="left")
    axes.tick_params(labelleft=True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _limits(picture: MatchPicture) -> tuple[float, float]:
    """One range for both axes of both panels, a little wider than the scores."""
    scores = np.concatenate([picture.public, picture.whole, picture.folds.ravel(), picture.split, picture.expected])
    margin = max(0.02, 0.08 * float(np.ptp(scores)))
    return float(scores.min()) - margin, float(scores.max()) + margin


def _label(axes: Axes, names: Sequence[str], x: Floats, y: Floats, low: float, high: float) -> None:
    """Names on the right margin, in the points' order and apart from each other, each with a thin line to its point."""
    if len(names) > LABEL_LINES:
        return
    order = np.argsort(y, kind="stable")
    places = spread(y[order], (high - low) / LABEL_LINES, low, high)
    for place, run in zip(places, order, strict=True):
        axes.annotate(
            names[run], xy=(x[run], y[run]), xytext=(high + 0.03 * (high - low), place), fontsize=8, va="center",
            annotation_clip=False, arrowprops=_LEADER,
        )


def spread(values: Floats, gap: float, low: float, high: float) -> Floats:
    """Ascending values moved as little as needed (least squares) to stand `gap` apart, within low..high if they fit."""
    steps = gap * np.arange(len(values))
    places = isotonic_regression(values - steps).x
    return np.clip(places, low, max(low, high - steps[-1])) + steps
