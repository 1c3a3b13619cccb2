"""External images that are there already, in the train set or among the test images: they would leak answers."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.duplicates import HASH_SIDE, WORDS, near_pairs
from data.errors import DataError, quote
from data.fingerprints import fingerprints
from data.metadata import ImageData


def check_copies(
    data: ImageData,
    external: Sequence[str],
    folder: Path,
    *,
    workers: int | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """DataError, naming both files, where an external image (absolute paths) is one of the data's.

    It is where the files are the same, byte for byte, or look the same (perceptual hashes as near as
    `python -m experiments check` takes for a duplicate). Every image of the train set is validated by some fold or
    trained on already, so none may come again; a test image would bring its answer. folder: keeps the hashes.
    """
    listed = [*data.train["path"], *data.test["path"]]
    if not external or not listed:
        return
    paths = [*external, *(str(data.root / path) for path in listed)]
    facts = fingerprints([Path(path) for path in paths], folder, workers=workers, tick=tick)
    facts = facts.assign(path=paths, external=np.arange(len(paths)) < len(external))
    same = _same_bytes(facts)
    pairs = same or _look_alike(facts)
    if pairs:
        (mine, theirs, apart), more = pairs[0], len(pairs) - 1
        told = "is the same file as" if same else f"looks like ({apart} of {HASH_SIDE**2} bits differ)"
        where = (
            "a test image" if theirs in {str(data.root / path) for path in data.test["path"]} else "a training image"
        )
        raise DataError(
            f"External image {quote(mine)} {told} {quote(theirs)}, {where} of the data: without it"
            + (f", and {more} more pair{'s' * (more > 1)} of the kind," * (more > 0))
            + " would be right."
        )


def _same_bytes(facts: pd.DataFrame) -> list[tuple[str, str, int]]:
    mine, theirs = facts[facts["external"]], facts[~facts["external"]].drop_duplicates("sha256")
    both = mine.merge(theirs, on="sha256", suffixes=("", "_data"))
    return [(path, other, 0) for path, other in zip(both["path"], both["path_data"], strict=True)]


def _look_alike(facts: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Pairs of an external and an own image that look alike, the nearest first, with the bits that differ."""
    one_each = facts.drop_duplicates(["external", "phash"]).reset_index(drop=True)
    hashes = np.frombuffer(bytes.fromhex("".join(one_each["phash"])), np.uint64).reshape(-1, WORDS)  # (n, W)
    pairs = near_pairs(hashes, one_each["external"].to_numpy(np.int64))  # (m, 2), of an external and an own image each
    apart: NDArray[np.int64] = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).sum(1, dtype=np.int64)
    paths = one_each["path"].to_numpy()
    external_first = one_each["external"].to_numpy()[pairs[:, 0]]
    ordered = np.where(external_first[:, None], pairs, pairs[:, ::-1])
    return [
        (paths[mine], paths[own], int(apart[at]))
        for at in np.argsort(apart, kind="stable")
        for mine, own in [ordered[at]]
    ]
