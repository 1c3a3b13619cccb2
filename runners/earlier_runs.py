"""What makes a run another one than the last of its experiment."""

from collections.abc import Sequence

from data.errors import DataError
from runners.run_folder import RunFolder
from runners.state import read_json


def unlike_the_last(earlier: Sequence[RunFolder], parts: dict[str, str]) -> list[str]:
    """What differs from the newest earlier run of this experiment, and makes this another run."""
    last = next((run for run in reversed(earlier) if run.identity.exists()), None)
    if last is None:
        return []
    try:
        before = read_json(last.identity)
    except DataError as error:  # of a run that this one has nothing to do with
        return [str(error)]
    names = [name for name in parts if before.get(name) != parts[name]]
    return [f"a run of its own: {', '.join(names)} not as in {last.root.name}"] if names else []
