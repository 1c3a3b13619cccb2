"""Which images the processes that decode have in hand: it outlives them, so that a killed one's images can be named."""

import multiprocessing
from collections.abc import Sequence


class InHand:
    """A row a worker process, in memory that all processes share: its pid and the positions it was given last."""

    def __init__(self, workers: int, most: int) -> None:
        self._width = most + 2  # pid, number of positions, positions
        self._rows = multiprocessing.RawArray("q", workers * self._width)

    def take(self, worker: int, pid: int, positions: Sequence[int]) -> None:
        """Note what a worker (counted from 0) was given, in place of what it had before."""
        start = worker * self._width
        self._rows[start : start + 2 + len(positions)] = [pid, len(positions), *positions]

    def of(self, pids: Sequence[int]) -> list[int]:
        """The positions that processes of these ids were given last."""
        found: list[int] = []
        for start in range(0, len(self._rows), self._width):
            pid, count = self._rows[start : start + 2]
            if pid in pids:
                found += self._rows[start + 2 : start + 2 + count]
        return found
