"""Where runs are made and of what: the part of a command that all of its runs share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runners.compute import Compute
from runners.tracking import Tracker

if TYPE_CHECKING:
    from rich.console import Console

    from data.cache_build import CacheSettings


@dataclass(frozen=True)
class Workspace:
    """Data to read, folders to write, what to compute with, and who is told; never what is run."""

    data: Path
    runs: Path
    compute: Compute
    cache: "CacheSettings"
    fast: bool  # one batch of every stage
    console: "Console"
    track: tuple[Tracker, ...] = ()
