"""Everything a competitor wants to know about a data set before training: counts, and every problem, not the first."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from data.duplicates import duplicate_findings, perceptual_hash
from data.errors import DataError, quote
from data.findings import Finding, some_names
from data.images import decode_rgb, file_sha256, read_header
from data.labels import FACTORS
from data.metadata import ImageData
from data.reading import scan_data

PARALLEL_FROM = 2_000   # images; below, starting processes costs more than it saves
FORMAT_OF_EXTENSION = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}


@dataclass(frozen=True)
class ImageFacts:
    """What decoding one file showed; height, width and orientation are 0 where not even its header can be read."""

    height: int             # of the upright image
    width: int
    format: str
    mode: str
    orientation: int        # EXIF 1..8
    sha256: str             # of the file
    phash: str              # of what it shows, see data.duplicates; "" where the image does not decode
    error: str              # one sentence, "" where the image decodes


@dataclass(frozen=True)
class CheckReport:
    """Outcome of :func:`check`.

    images: one row an image: part (train or test), image_id, path, person ("" in test), then the fields of ImageFacts.
    counts: title ("class", "mask", "gender", "age", "images a person", "size", "format", "mode") -> table of counts,
    indexed by the value: images and persons, or train and test images, or persons.
    findings: problems that stop reading or training first, then what is worth knowing.
    """

    path: Path
    data: ImageData
    images: pd.DataFrame
    counts: dict[str, pd.DataFrame]
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether training can start: no finding stops it."""
        return not any(finding.stops for finding in self.findings)


def check(
    path: Path, *, workers: int | None = None, progress: Callable[[int, int], None] = lambda done, total: None
) -> CheckReport:
    """Read a data set's tables, decode every image, and collect all that is wrong or worth knowing.

    workers: processes that decode (None: one a core, from PARALLEL_FROM images on). progress is called after each image
    with the number done and the total. Raises DataError only where the path is no data set at all.
    """
    data, findings = scan_data(path)
    parts = [data.train[["image_id", "path", "person"]].assign(part="train"), data.test.assign(part="test", person="")]
    listed = pd.concat(parts, ignore_index=True)[["part", "image_id", "path", "person"]]
    facts = inspect_images([data.root / name for name in listed["path"]], workers, progress)
    images = pd.concat([listed, pd.DataFrame(facts, columns=list(ImageFacts.__annotations__))], axis=1)
    images["size"] = images["width"].astype(str) + "x" + images["height"].astype(str)
    readable = images[images["format"] != ""]
    findings += [Finding("unreadable image", error) for error in images["error"] if error]
    findings += duplicate_findings(data, images)
    findings += _repeated_ids(data.train)
    findings += _empty_classes(data)
    findings += _file_findings(data.root, readable)
    for attribute in ("size", "format", "mode"):
        findings += _mixed(attribute, readable)
    if data.hidden_files:
        count = "1 hidden file is" if len(data.hidden_files) == 1 else f"{len(data.hidden_files):,} hidden files are"
        text = f"{count} skipped: {some_names(data.hidden_files)}."
        findings.append(Finding("hidden files", text, stops=False))
    findings.sort(key=lambda finding: not finding.stops)
    return CheckReport(path, data, images, _counts(data, readable), tuple(findings))


def inspect_image(path: Path) -> ImageFacts:
    """Header and hashes of an image, and whether it really decodes; an unreadable one gives facts with an error."""
    found: tuple[int, int, str, str, int] = (0, 0, "", "", 0)
    sha256 = phash = error = ""
    try:
        header = read_header(path)
        found = (header.height, header.width, header.format, header.mode, header.orientation)
        phash = perceptual_hash(decode_rgb(path))
    except DataError as problem:
        error = str(problem)
    try:
        sha256 = file_sha256(path)
    except OSError as problem:
        error = error or f"{path} can't be read: {problem.strerror}."
    return ImageFacts(*found, sha256, phash, error)


def inspect_images(
    paths: Sequence[Path], workers: int | None, progress: Callable[[int, int], None]
) -> list[ImageFacts]:
    """Facts of each image, in order."""
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = workers if len(paths) >= PARALLEL_FROM else 1
    count = partial(_counted, total=len(paths), progress=progress)
    if workers == 1:
        _keep_freed_memory()
        return count(map(inspect_image, paths))
    # Spawned, not forked: whoever shows the progress may run threads, and a fork copies their locks.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_keep_freed_memory) as pool:
        try:
            return count(pool.map(inspect_image, paths, chunksize=16))
        except BrokenProcessPool as error:
            raise DataError("A process that decodes images was killed (memory?); expected it to end by itself. "
                            "Try with one worker.") from error


def _keep_freed_memory() -> None:
    """Have glibc keep what is freed, by freeing one large block; elsewhere it does nothing.

    Else the memory of each image goes back to the kernel and is fetched again: 480 page faults, half of the time.
    """
    np.empty(1 << 24, np.uint8)


def _counted(facts: Iterable[ImageFacts], total: int, progress: Callable[[int, int], None]) -> list[ImageFacts]:
    collected = []
    for fact in facts:
        collected.append(fact)
        progress(len(collected), total)
    return collected


def _repeated_ids(train: pd.DataFrame) -> list[Finding]:
    if "id" not in train:
        return []
    people = train.drop_duplicates("person").groupby("id")["person"].apply(list)
    return [Finding("repeated id", f"id {quote(str(id_))} is {len(names)} people: {some_names(names)}.", stops=False)
            for id_, names in people.items() if len(names) > 1]


def _empty_classes(data: ImageData) -> list[Finding]:
    present = set(data.train["target"])
    empty = [name for index, name in enumerate(data.class_names) if index not in present]
    if not empty or not present:
        return []
    text = f"{len(present)} of {len(data.class_names)} classes occur; without images: {some_names(empty, len(empty))}."
    return [Finding("classes without images", text, stops=False)]


def _file_findings(root: Path, images: pd.DataFrame) -> list[Finding]:
    """Files that EXIF says are turned, and files that are not what their extension says."""
    findings = []
    for path, format_, orientation in zip(images["path"], images["format"], images["orientation"], strict=True):
        if orientation > 1:
            text = f"{root / path} is stored turned (EXIF orientation {orientation}); it is read upright."
            findings.append(Finding("turned by EXIF", text, stops=False))
        if format_ != FORMAT_OF_EXTENSION.get(Path(path).suffix.lower(), format_):
            text = f"{root / path} holds {format_}, whatever its name says; it is read as that."
            findings.append(Finding("misleading extension", text, stops=False))
    return findings


def _mixed(attribute: str, images: pd.DataFrame, listed: int = 8, named: int = 5) -> list[Finding]:
    """One finding where the images differ: the most frequent values, and by name the images of rare ones."""
    counts = images[attribute].value_counts()
    if len(counts) < 2:
        return []
    words = []
    for value, count in counts.head(listed).items():
        paths = images["path"][images[attribute] == value]
        words.append(f"{count} are {value}" + (f" ({some_names(list(paths))})" if count <= named else ""))
    if len(counts) > listed:
        words.append(f"{counts.iloc[listed:].sum()} have {len(counts) - listed} other {attribute}s")
    return [Finding(f"mixed {attribute}s", f"Images differ in {attribute}: {', '.join(words)}.", stops=False)]


def _counts(data: ImageData, readable: pd.DataFrame) -> dict[str, pd.DataFrame]:
    train = data.train
    names = [f"{index:2}  {name}" for index, name in enumerate(data.class_names)]   # a submission holds the number
    counts = {"class": _by_value(train, "target", names if data.form == "mask" else data.class_names)}
    counts |= {factor: _by_value(train, factor, words) for factor, words in FACTORS.items() if factor in train}
    a_person = train["person"].value_counts().value_counts().sort_index()
    counts["images a person"] = a_person.rename_axis(None).to_frame("persons")
    for attribute in ("size", "format", "mode"):
        table = pd.crosstab(readable[attribute], readable["part"]).reindex(columns=["train", "test"], fill_value=0)
        order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index
        counts[attribute] = table.loc[order].rename_axis(index=None, columns=None)
    return counts


def _by_value(train: pd.DataFrame, column: str, words: Sequence[str]) -> pd.DataFrame:
    """Images and persons of each value, values without images too."""
    groups = train.groupby(column)["person"]
    table = pd.DataFrame({"images": groups.size(), "persons": groups.nunique()})
    return table.reindex(range(len(words)), fill_value=0).set_axis(list(words))
