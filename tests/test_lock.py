"""requirements.lock installs what requirements.txt pins, and every package of it by its hash."""

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1]
LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")


def entries() -> list[tuple[Requirement, list[str]]]:
    """Each requirement of the lock with its hashes."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE))
    lines = [line.split(" --hash=") for line in joined.splitlines() if line.strip()]
    return [(Requirement(requirement), hashes) for requirement, *hashes in lines]


def test_the_lock_has_the_pins_of_requirements_txt() -> None:
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    locked = {(canonicalize_name(entry.name), str(entry.specifier)) for entry, _ in entries() if entry.marker is None}
    assert len(pinned) > 15
    for pin in pinned:  # on every system: without a marker
        assert (canonicalize_name(pin.name), str(pin.specifier)) in locked, f"{pin}: `make lock` renews the lock"
    asked_for, name = set(), ""
    for line in LOCK.splitlines():
        if found := re.match(r"[\w.-]+(?===)", line):
            name = canonicalize_name(found[0])
        elif line.endswith("-r requirements.txt"):
            asked_for.add(name)
    assert asked_for == {canonicalize_name(pin.name) for pin in pinned}, "the lock holds a pin that is gone"


def test_every_locked_package_has_one_version_and_its_hashes() -> None:
    assert len(entries()) > 60
    for entry, hashes in entries():
        assert re.fullmatch(r"==[^,*]+", str(entry.specifier)), f"{entry} is not of one version"
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes), entry
        assert entry.url is None, f"{entry} comes from an address of its own"


def test_make_lock_renews_it() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert "--generate-hashes" in makefile and "--output-file requirements.lock requirements.txt" in makefile
    assert "make lock" in LOCK.splitlines()[1]
