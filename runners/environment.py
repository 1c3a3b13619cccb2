"""On what a run was made: an allow-list of facts, so that no secret of the machine can slip into it."""

import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from data.errors import DataError
from runners.compute import Compute
from runners.state import read_json, write_json

_PACKAGES = (
    "accelerate", "albumentations", "catalyst", "numpy", "opencv-python-headless", "pandas", "pillow", "timm", "torch",
)  # fmt: skip


def note_environment(path: Path, now: dict[str, object], going_on: bool) -> list[str]:
    """Write a run's environment, or add to it where one that goes on has changed; returns what changed, in words.

    Results have the same bits only on the same device, threads, ranks and versions. environment.json keeps the first
    one and under "continued" each that differed from the one before. A damaged one is written anew.
    """
    if not (going_on and path.exists()):
        write_json(path, now)
        return []
    try:
        written = read_json(path)
    except DataError:
        write_json(path, now)
        return [f"{path.name} was damaged, and what it said of earlier starts is lost"]
    before = (written.get("continued") or [written])[-1]
    changes = list(_changes(before, now))
    if changes:
        written["continued"] = [*written.get("continued", []), now]
        write_json(path, written)
    return changes


def _changes(before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    before = {**before, "compute": {"ranks": 1, **before.get("compute", {})}}  # older runs do not say
    for group, names in (("compute", ("device", "threads", "ranks")), ("versions", _PACKAGES)):
        for name in names:
            was, is_ = before.get(group, {}).get(name), now[group][name]
            if was != is_:
                yield f"{name} {was} before, {is_} now"
    for name in ("python", "system"):
        if before.get(name) != now[name]:
            yield f"{name} {before.get(name)} before, {now[name]} now"


def environment(compute: Compute, data_root: Path) -> dict[str, object]:
    """Versions, device, threads, commit and where the data was."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: version(name) for name in _PACKAGES},
        "compute": asdict(compute),
        "data": str(data_root),
        **_commit(),
    }


def _commit() -> dict[str, object]:
    """The project's git commit and whether files differ from it; empty outside a checkout."""
    git, here = shutil.which("git"), Path(__file__).parent
    if git is None:
        return {}
    reads = [git, "--no-optional-locks", "-C", str(here)]  # killed with the run, status would leave the index locked
    answers = [
        subprocess.run([*reads, *arguments], capture_output=True, text=True)  # noqa: S603 - fixed words
        for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain"])
    ]
    if any(answer.returncode for answer in answers):
        return {}
    return {"commit": answers[0].stdout.strip(), "dirty": bool(answers[1].stdout.strip())}
