"""How much memory the system, and the control groups of this process, have left."""

from pathlib import Path

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


def system_memory() -> int | None:
    """Bytes that are free to use: of the system and of this process's control groups, whichever is less.

    None where the system does not tell (it is asked as Linux is).
    """
    free = [bytes_ for bytes_ in (_system(_PROC / "meminfo"), *_groups(_PROC / "self/cgroup", _CGROUP)) if bytes_]
    return min(free, default=None)


def _system(meminfo: Path) -> int | None:
    """MemAvailable: what Linux gives without swapping."""
    if not meminfo.exists():
        return None
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _groups(membership: Path, root: Path) -> list[int]:
    """What is left below the limits of the process's control groups, of version 2 and 1, up to the root.

    Pages of files that could be dropped do not count as used. In a container the process may see its own group as the
    root, so the root's files are looked at too.
    """
    if not membership.exists():
        return []
    left = []
    for line in membership.read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "memory" if controllers else root
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
        here = base / place.lstrip("/")
        for folder in (here, *[parent for parent in here.parents if parent.is_relative_to(base)]):
            limit, used = (_number(folder / name) for name in names)
            if limit is not None and used is not None:
                left.append(max(1, limit - used + _droppable(folder / "memory.stat")))
    return left


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None  # "max": no limit


def _droppable(stat: Path) -> int:
    try:
        rows = dict(line.split() for line in stat.read_text().splitlines())
    except OSError:
        return 0
    return int(rows.get("total_inactive_file", rows.get("inactive_file", 0)))
