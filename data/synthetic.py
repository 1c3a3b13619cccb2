"""The embedded sample competition: drawn faces in the mask competition's exact layout, its label shift and oddities.

`python -m data.synthetic --out input/sample` writes

    train/train.csv, train/images/<path>/{mask1..mask5,incorrect_mask,normal}.{jpg,jpeg,png}
    eval/info.csv, eval/images/<40 hex digits>.jpg
    solution.csv     ImageID,ans,half: the sealed answers, and which half of the leaderboard each image counts for
    sample.json      version and arguments; written last
"""

import argparse
import fcntl
import glob
import json
import multiprocessing
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from data.errors import DataError
from data.faces import draw_face
from data.labels import STEM_TO_MASK
from data.people import draw_look, draw_shot
from data.roster import TRAIN, Person, Sample, eval_people, train_people

VERSION = 1                       # raise it whenever the same arguments draw other bytes
MARKER = "sample.json"
BELOW_NOSE, ON_CHIN = 0.65, 1.0   # how far an incorrectly worn mask hangs


def write_sample(out: Path, *, train_persons: int = Sample.train_persons, eval_persons: int = Sample.eval_persons,
                 size: tuple[int, int] = (Sample.height, Sample.width), seed: int = Sample.seed,
                 processes: int = 1) -> bool:
    """Write the sample competition to folder `out`; images are of size (H, W). The same arguments write the same bytes.

    More than one process is for guarded main modules only (`if __name__ == "__main__"`), as they are spawned.

    Returns False where `out` already holds this very sample: nothing is done. Drawn in a sibling folder and moved into
    place when complete, so `out` is never half a sample; what a killed run left is removed and drawn anew.
    Raises DataError where `out` holds anything else, and for arguments out of range.
    """
    sample = Sample(train_persons, eval_persons, size[0], size[1], seed)
    out = Path(os.path.abspath(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    with _only_writer(out.parent):
        if _is_written(out, sample):
            return False
        unfinished = f".{out.name}.unfinished-"
        for leftover in out.parent.glob(glob.escape(unfinished) + "*"):
            # Renamed first: a process that the killed run started may still be drawing into it.
            shutil.rmtree(leftover.rename(f"{leftover}-old"))
        folder = out.with_name(f"{unfinished}{os.getpid()}")
        _write(folder, sample, processes)
        os.replace(folder, out)
    return True


@contextmanager
def _only_writer(parent: Path) -> Iterator[None]:
    # A lock on the folder itself leaves no file behind, and the kernel frees it however the writer ends.
    descriptor = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _record(sample: Sample) -> dict[str, object]:
    return {"what": "drawn sample of the mask competition", "version": VERSION, **asdict(sample)}


def _is_written(out: Path, sample: Sample) -> bool:
    if not out.exists() or out.is_dir() and not any(out.iterdir()):
        return False
    try:
        found = json.loads((out / MARKER).read_text())
    except (OSError, ValueError):
        raise DataError(f"{out} exists and is not a drawn sample (it has no readable {MARKER}): "
                        "name a folder that does not exist.") from None
    if found == _record(sample):
        return True
    raise DataError(f"{out} holds another sample, {found}, not the one asked for, {_record(sample)}: "
                    "remove that folder or name another.")


def _write(folder: Path, sample: Sample, processes: int) -> None:
    train, table = train_people(sample)
    test, info, solution = eval_people(sample)
    (folder / "eval/images").mkdir(parents=True)
    for path in table["path"]:
        (folder / "train/images" / path).mkdir(parents=True)
    _draw_all(folder, train + test, (sample.height, sample.width), processes)
    _write_hidden_files(folder, table["path"].tolist(), info["ImageID"].tolist(), sample.seed)
    for name, rows in (("train/train.csv", table), ("eval/info.csv", info), ("solution.csv", solution)):
        rows.to_csv(folder / name, index=False, lineterminator="\n")
    (folder / MARKER).write_text(json.dumps(_record(sample), indent=1) + "\n")


def _draw_all(folder: Path, people: Sequence[Person], size: tuple[int, int], processes: int) -> None:
    if processes == 1:
        return _draw_share(folder, people, size, os.getppid())
    spawn = multiprocessing.get_context("spawn")         # a forked copy of a process that runs threads may hang
    workers = [spawn.Process(target=_draw_share, args=(folder, people[start::processes], size, os.getpid()))
               for start in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise DataError(f"{folder} could not be drawn: a process ended early, its own message stands above.")


def _draw_share(folder: Path, people: Sequence[Person], size: tuple[int, int], parent: int) -> None:
    for person in people:
        if os.getppid() != parent:                       # the writer was killed: nobody waits for these images
            return
        _draw_person(folder, person, size)


def _draw_person(folder: Path, person: Person, size: tuple[int, int]) -> None:
    look = draw_look(np.random.default_rng((*person.key, 0)), person.gender, person.years)
    for number, (file, state) in enumerate(zip(person.files, STEM_TO_MASK.values(), strict=True)):
        rng = np.random.default_rng((*person.key, number + 1))
        shot, mask, drop = draw_shot(rng, look), None, 0.0
        if state == 0:
            mask = look.masks[number]
        elif state == 1:
            mask, drop = look.masks[rng.integers(len(look.masks))], ON_CHIN if look.on_chin else BELOW_NOSE
        image = draw_face(look, shot, mask, drop, size)
        if file.endswith("png"):
            image.save(folder / file, "PNG")
        else:
            image.save(folder / file, "JPEG", quality=shot.quality)


def _write_hidden_files(folder: Path, paths: Sequence[str], image_ids: Sequence[str], seed: int) -> None:
    """What macOS and Jupyter leave among the images: garbage that readers must skip."""
    garbage = b"\x00\x05\x16\x07" + np.random.default_rng((seed, TRAIN, 0, 1)).bytes(400)
    images = folder / "train/images"
    hidden = [images / ".DS_Store", images / f"._{paths[0]}", images / paths[0] / "._mask1.jpg",
              images / paths[0] / "._normal.jpg", images / paths[-1] / ".DS_Store",
              images / paths[-1] / ".ipynb_checkpoints/normal-checkpoint.jpg"]
    hidden += [folder / f"eval/images/._{name}" for name in image_ids[:2]]
    for file in hidden:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(garbage)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"a size is WxH, such as 384x512, not {text!r}")
    return int(found[2]), int(found[1])


def main() -> None:
    """Command line: exit 1 where the folder holds something else, 2 for arguments that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m data.synthetic", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("input/sample"), help="folder to make: %(default)s")
    for name, metavar in (("train_persons", "N"), ("eval_persons", "M"), ("seed", "S")):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar=metavar, default=getattr(Sample, name),
                            help="default: %(default)s")
    parser.add_argument("--size", type=_size, metavar="WxH", default=(Sample.height, Sample.width),
                        help=f"default: {Sample.width}x{Sample.height}")
    given = parser.parse_args()
    try:
        sample = Sample(given.train_persons, given.eval_persons, given.size[0], given.size[1], given.seed)
    except DataError as error:
        parser.error(str(error))
    try:
        written = write_sample(given.out, train_persons=sample.train_persons, eval_persons=sample.eval_persons,
                               size=(sample.height, sample.width), seed=sample.seed, processes=os.cpu_count() or 1)
    except DataError as error:
        sys.exit(f"error: {error}")
    if not written:
        print(f"{given.out}: this sample is already there, nothing to do.")
        return
    print(f"{given.out}: {sample.train_persons} training and {sample.eval_persons} eval persons drawn, "
          f"{7 * (sample.train_persons + sample.eval_persons)} images of {sample.width}x{sample.height}.")


if __name__ == "__main__":
    main()
