"""What is done about training persons just below 60, whose bucket is a matter of a year that no photograph tells.

A fold's training rows go in, its training rows come out. Validation and test are never touched: they hold such persons
too. Sources: teams of the competition left these ages out of training, or gave them a label between the two buckets.

In the competition 60 stands for 60 and older: leaving it out leaves out the whole bucket, and softening it blurs people
of 75. Up to 59 is what both are meant for.
"""

import numpy as np
from numpy.typing import NDArray

from data.ages import bucket_shares
from data.errors import DataError
from data.labels import AGE_BUCKETS, CLASS_NAMES
from data.sampling_groups import Absent
from data.training_rows import TrainingRows


def drop_ages(rows: TrainingRows, *, youngest: int, oldest: int, absent: Absent) -> TrainingRows:
    """The rows without the images of persons from `youngest` to `oldest` years, both included; unknown ages stay.

    absent: what is done where no image of an age bucket is left: "refuse" it, or "skip" it. Raises DataError for
    that, and where no row at all is left.
    """
    if absent not in ("refuse", "skip"):
        raise DataError(f'age_boundary takes absent={absent!r}: "refuse" or "skip" would be right.')
    inside = between_ages(rows, youngest=youngest, oldest=oldest)
    kept = rows.table[~inside]
    lost = np.setdiff1d(rows.table["age"], kept["age"])
    if len(lost) and (absent == "refuse" or kept.empty):
        names = " and of ".join(AGE_BUCKETS[bucket] for bucket in lost)
        raise DataError(
            f"age_boundary drops ages {youngest} to {oldest}, which leaves a fold no training image of {names}: "
            f"fewer ages would be right{' (60 stands for 60 and older)' if oldest >= 60 else ''}."
        )
    return TrainingRows(kept, None if rows.soft is None else rows.soft[~inside])


def soften_ages(rows: TrainingRows, *, youngest: int, oldest: int, age_spread: float) -> TrainingRows:
    """The rows with soft targets for persons from `youngest` to `oldest` years, both included; all others keep theirs.

    Mask state and gender stay; the age bucket becomes data.ages.bucket_shares of the age: near the border at 59.5 with
    age_spread 1.0, 59 is .38 and 57 is .08 of ">=60". `target` stays the class that the age says. DataError for an
    age_spread that is not above 0.
    """
    if not age_spread > 0:
        raise DataError(f"age_boundary has age_spread={age_spread!r}: years above 0, such as 1.0, would be right.")
    inside = between_ages(rows, youngest=youngest, oldest=oldest)
    chosen, soft = rows.table[inside], rows.distributions(len(CLASS_NAMES)).copy()  # (N, 18)
    first = (chosen["target"] - chosen["age"]).to_numpy(np.int64)  # the youngest class of this mask state and gender
    columns = first[:, None] + np.arange(len(AGE_BUCKETS))  # (n, 3)
    soft[inside] = 0
    soft[np.flatnonzero(inside)[:, None], columns] = bucket_shares(chosen["years"], age_spread)
    return TrainingRows(rows.table, soft)


def between_ages(rows: TrainingRows, *, youngest: int, oldest: int) -> NDArray[np.bool_]:
    """Which rows (N,) are of persons from `youngest` to `oldest` years; DataError for no range, or rows without age."""
    if not (isinstance(youngest, int) and isinstance(oldest, int) and youngest <= oldest):
        raise DataError(
            f"age_boundary goes from {youngest!r} to {oldest!r}: whole years, such as youngest=57, oldest=59, would be "
            "right."
        )
    if "years" not in rows.table:
        raise DataError(
            "age_boundary takes each person's age in years, which the data lack: the competition's train.csv has them."
        )
    return rows.table["years"].between(youngest, oldest).to_numpy(bool)
