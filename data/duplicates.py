"""Images that are there more than once: copies byte for byte, and images that look the same, with whose labels.

Looks are compared by a perceptual hash (imagehash's pHash, 16 x 16 bits). The seven photographs of one person are alike
by nature, so near-duplicates are told only where they belong to two persons, or to a person and the test set.
"""

from collections.abc import Iterator

import cv2
import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from data.errors import quote
from data.findings import Finding
from data.metadata import ImageData

cv2.setNumThreads(0)  # threads of OpenCV and of worker processes fight for cores

# Bits of 256 in which near-duplicates may differ, chosen by looking: of 2.6 million pairs of images of two persons
# (london_masks, sign_digits, the drawn sample) the nearest are 46, 46 and 36 bits apart, strangers in one pose; of one
# person's images the nearest are 26. Within 24 bits of their original are all copies saved at JPEG quality 50, halved,
# quartered, doubled, blurred, darkened, greyed; 99 % of those brighter by a fifth; 91 to 99 % of those cropped by 2 %,
# but hardly one cropped by 5 %. The usual hash of 64 bits is too coarse: strangers 2 bits apart, such copies up to 4.
NEAR = 24
HASH_SIDE, SPECTRUM = 16, 4  # 16 x 16 frequencies of an image of 64 x 64 pixels
WORDS = HASH_SIDE * HASH_SIDE // 64  # of 64 bits, a hash
MOST_PAIRS = 1_000_000  # a data set of more is one picture; finding them all would fill the memory
NAMED = 10  # images of a group that are listed


def perceptual_hash(rgb: NDArray[np.uint8]) -> str:
    """The pHash of an upright image (H, W, 3): 256 bits as 64 hexadecimal digits."""
    side = HASH_SIDE * SPECTRUM
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_AREA)
    return str(imagehash.phash(Image.fromarray(grey), HASH_SIDE, SPECTRUM))


def duplicate_findings(data: ImageData, images: pd.DataFrame) -> list[Finding]:
    """A finding for each group of images that are the same file, or look the same.

    images: columns part (train or test), image_id, path, person ("" in test), sha256 and phash ("" where not readable).
    """
    labels = dict(zip(data.train["image_id"], data.train["target"], strict=True))
    table = images.assign(label=images["image_id"].map(labels).where(images["part"] == "train"))
    copies = table[(table["sha256"] != "") & table["sha256"].duplicated(keep=False)]
    exact = [
        _finding(data, group, "same image", "The same file is") for _, group in copies.groupby("sha256", sort=False)
    ]
    return exact + _near_duplicates(data, table[table["phash"] != ""].reset_index(drop=True))


def near_pairs(
    hashes: NDArray[np.uint64], owners: NDArray[np.int64], near: int = NEAR, most: int = MOST_PAIRS
) -> NDArray[np.int64]:
    """All pairs (m, 2) of different owners' hashes (n, W words) that differ in at most `near` bits, first < second.

    owners (n,): -1 is one of its own, different from every other. Of `near` + 1 bands of bits one at least is equal in
    such a pair (pigeonhole), so only pairs that share a band are compared: sorting a band finds them. The search ends
    with the band in which more than `most` pairs were found.
    """
    bits = np.unpackbits(hashes.view(np.uint8).reshape(len(hashes), -1), axis=1)  # (n, 64 W)
    found = np.empty((0, 2), np.int64)
    for band in range(near + 1):
        # Every (near + 1)-th bit: coarse frequencies, which faces share, and fine ones are in each band alike.
        keys = np.packbits(bits[:, band :: near + 1], axis=1)
        new, count = [found], len(found)
        for pairs in _sharing(np.unique(keys, axis=0, return_inverse=True)[1].ravel(), owners):
            new.append(np.sort(pairs[_distances(hashes, pairs) <= near], axis=1))
            count += len(new[-1])
            if count > most:
                break
        found = np.unique(np.concatenate(new), axis=0)
        if len(found) > most:
            break
    return found


def _sharing(keys: NDArray[np.int64], owners: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Pairs (m, 2) that share a key (n,) and differ in their owner, block by block."""
    low, high = (getattr(pd.Series(owners).groupby(keys), end)().to_numpy() for end in ("min", "max"))
    mixed = (low != high) | (low < 0)  # keys of more than one owner
    order = np.argsort(keys, kind="stable")
    order = order[mixed[keys[order]]]
    key = keys[order]
    left, step = np.arange(len(order)), 0
    while len(left):  # pairs one, two, ... places apart in the order
        step += 1
        left = left[: np.searchsorted(left, len(order) - step)]
        left = left[key[left] == key[left + step]]
        pairs = np.stack([order[left], order[left + step]], axis=1)
        yield pairs[(owners[pairs[:, 0]] != owners[pairs[:, 1]]) | (owners[pairs[:, 0]] < 0)]


def _distances(hashes: NDArray[np.uint64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits in which the hashes of each pair differ, (m,)."""
    return np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).sum(1, dtype=np.int64)


def _near_duplicates(data: ImageData, table: pd.DataFrame) -> list[Finding]:
    """Findings of images that look the same and belong to different persons, or to train and test."""
    if len(table) < 2:
        return []
    digits = np.frombuffer(bytes.fromhex("".join(table["phash"])), np.uint64).reshape(-1, WORDS)
    hashes, hash_of_image = np.unique(digits, axis=0, return_inverse=True)
    hash_of_image = hash_of_image.ravel()
    owner_of_image = pd.factorize(table["part"] + "/" + table["person"])[0]  # the test images have one owner together
    owners = pd.Series(owner_of_image).groupby(hash_of_image).agg(["min", "max"]).to_numpy(np.int64)
    several = owners[:, 0] != owners[:, 1]  # a hash that images of different owners have
    pairs = near_pairs(np.ascontiguousarray(hashes), np.where(several, -1, owners[:, 0]))
    group_of_hash = connected_components(coo_array((np.ones(len(pairs)), pairs.T), shape=(len(hashes),) * 2))[1]
    apart = np.full(len(hashes), -1)  # of each group: the largest distance of its pairs
    apart[group_of_hash[several]] = 0
    np.maximum.at(apart, group_of_hash[pairs[:, 0]], _distances(hashes, pairs))
    group_of_image = group_of_hash[hash_of_image]
    findings = []
    for number, group in table[apart[group_of_image] >= 0].groupby(group_of_image[apart[group_of_image] >= 0]):
        if group["sha256"].nunique() > 1:  # else it is told as the same file
            told = f"alike ({apart[number]} of {HASH_SIDE**2} bits differ)" if apart[number] else "the same"
            findings.append(_finding(data, group, "near-duplicate", f"These look {told}:"))
    if len(pairs) > MOST_PAIRS:
        text = f"More than {MOST_PAIRS:,} pairs of images look alike; near-duplicates beyond them were not looked for."
        findings.append(Finding("too many near-duplicates", text, stops=False))
    return findings


def _finding(data: ImageData, group: pd.DataFrame, what: str, told: str) -> Finding:
    """One group under a heading that says what it is to the user: a leak, a contradiction, or a repetition."""
    labels = group["label"].dropna().astype(int)
    if group["part"].nunique() > 1:
        kind = f"{what} in train and test"
    elif labels.nunique() > 1:
        kind = f"{what} with different labels"
    elif group["person"].nunique() > 1:
        kind = f"{what} of different people"
    else:
        kind = f"{what} twice"
    names = [
        quote(path) + ("" if np.isnan(label) else f" ({data.class_names[int(label)]})")
        for path, label in zip(group["path"][:NAMED], group["label"][:NAMED], strict=True)
    ]
    more = f" and {len(group) - NAMED:,} more" if len(group) > NAMED else ""
    return Finding(kind, f"{told} {' and '.join(names) if not more else ', '.join(names)}{more}.", stops=False)
