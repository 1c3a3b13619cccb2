"""On what a run was made: an allow-list of facts, so that no secret of the machine can slip into it."""

import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

_PACKAGES = (
    "accelerate", "albumentations", "catalyst", "numpy", "opencv-python-headless", "pandas", "pillow", "timm", "torch",
)  # fmt: skip


@dataclass(frozen=True)
class Compute:
    """Where and with how much a run is made; never what it is."""

    device: str  # "cpu" or "cuda"
    threads: int  # of torch; results are bit-identical only for equal numbers
    workers: int  # processes that decode images; results do not depend on it


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
    answers = [
        subprocess.run([git, "-C", str(here), *arguments], capture_output=True, text=True)  # noqa: S603 - fixed words
        for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain"])
    ]
    if any(answer.returncode for answer in answers):
        return {}
    return {"commit": answers[0].stdout.strip(), "dirty": bool(answers[1].stdout.strip())}
