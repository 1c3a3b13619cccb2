"""The search for a batch size: doubled while it fits and still pays, then narrowed down; nothing is trained here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

SMALLEST = 2  # batch norm and mixing need two images
AS_FAST = 0.95  # of the best throughput, which counts as the same
NARROW = 8  # the largest size that fits is found to within an eighth of itself


@dataclass(frozen=True)
class Attempt:
    """One batch size as it was tried. `reason` is empty where it fits, and else says why it does not."""

    size: int
    seconds: float  # of a training batch
    memory: int | None  # bytes that training with it takes; None where they can't be told
    reason: str = ""

    @property
    def fits(self) -> bool:
        """Whether a batch of this size can be trained with."""
        return not self.reason

    @property
    def throughput(self) -> float:
        """Images a second."""
        return self.size / self.seconds


@dataclass(frozen=True)
class Search:
    """Attempts by size, and why no larger one was tried."""

    attempts: tuple[Attempt, ...]
    end: str

    @property
    def largest(self) -> Attempt | None:
        """The largest size that fits."""
        return max((one for one in self.attempts if one.fits), key=lambda one: one.size, default=None)

    @property
    def suggested(self) -> Attempt | None:
        """The smallest size that is as fast as the fastest: more images a step than that cost steps and buy nothing."""
        fitting = [one for one in self.attempts if one.fits]
        best = max((one.throughput for one in fitting), default=0.0)
        return next((one for one in fitting if one.throughput >= AS_FAST * best), None)


def search_sizes(attempt: Callable[[int], Attempt], most: int, reached: str, *, while_it_pays: bool) -> Search:
    """Try SMALLEST and its doubles up to `most`; where one does not fit, narrow down what does below it.

    reached: what is said where `most` fits.
    while_it_pays: end as soon as two doublings in a row made nothing faster; without, memory alone ends the search.
    """
    tried = list[Attempt]()
    size = min(SMALLEST, most)
    while True:
        tried.append(attempt(size))
        if not tried[-1].fits:
            low = max((one.size for one in tried if one.fits), default=0)
            tried += _narrow(attempt, low, size)
            return _search(tried, f"{size} does not fit: {tried[_index(tried, size)].reason}")
        if size == most:
            return _search(tried, reached)
        if while_it_pays and _levelled(tried):
            return _search(tried, "two doublings in a row made it no faster")
        size = min(2 * size, most)


def _narrow(attempt: Callable[[int], Attempt], low: int, high: int) -> list[Attempt]:
    """Halve what lies between a size that fits (0: none does) and one that does not."""
    tried = list[Attempt]()
    while high - low > max(1, low // NARROW):
        middle = (low + high) // 2
        tried.append(attempt(middle))
        low, high = (middle, high) if tried[-1].fits else (low, middle)
    return tried


def _levelled(tried: Sequence[Attempt]) -> bool:
    """Whether neither of the last two sizes is faster than the best before them."""
    if len(tried) < 3:
        return False
    before = max(one.throughput for one in tried[:-2])
    return max(one.throughput for one in tried[-2:]) * AS_FAST < before


def _index(tried: Sequence[Attempt], size: int) -> int:
    return next(index for index, one in enumerate(tried) if one.size == size)


def _search(tried: Sequence[Attempt], end: str) -> Search:
    return Search(tuple(sorted(tried, key=lambda one: one.size)), end)
