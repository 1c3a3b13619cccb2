"""Folds as tasks of a Ray cluster, one task a fold: told of as they are made, and made again where a node is lost."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from platform import node as node_name
from queue import Empty, SimpleQueue
from threading import Thread
from types import SimpleNamespace
from typing import Any

from data.errors import DataError
from runners.cluster.ray_cluster import compute_on, fold_resources, import_ray, node_resources
from runners.cluster.same_code import Code, code_of, other_code
from runners.cluster.sent_fold import Parcel, changed_files, folder_state, pack, receive, unpacked
from runners.cluster.storage import Mark, marked, sendable, unseen
from runners.display import Display
from runners.executor import Ended, RunFold, raise_failure, same_run, show_message, tell_fold
from runners.file_lock import locked
from runners.fold_rows import Fold
from runners.state import remove_rubbish
from runners.timing import Timing

LOSSES = 3  # of a fold without an epoch in between, before it is given up
_LOOK_SECONDS = 0.1
_CANCEL_SECONDS = 1.0  # for cancelled tasks to be gone; the lock of a fold holds off the next start until they are
_LAST = ("done", "failed", "system")


@dataclass(frozen=True)
class Attempt:
    """A fold as it is sent to a node."""

    fold: Fold
    mark: Mark
    parcel: Parcel | None = None  # what a node needs that sees none of our folders
    losses: int = 0  # of nodes, since the last committed epoch
    epochs: int = 0  # committed when it was sent


def run_on_cluster(
    folds: Sequence[Fold], run: RunFold, display: Display, *, jobs: int, ended: Ended = raise_failure
) -> None:
    """`jobs` folds at a time on the connected cluster; what is on disk in the end is the same as of `run_serially`.

    A fold whose worker or node is lost goes on elsewhere from its last committed epoch. One that fails ends the others
    of its run.
    """
    ray = import_ray()
    with ExitStack() as stack:
        of_run = {fold.folder.root.parent: fold for fold in folds}  # one of each
        marks = {root: stack.enter_context(marked(fold)) for root, fold in of_run.items()}
        code, packed = code_of(folds[0]), dict[str, Parcel]()
        waiting = [Attempt(fold, marks[fold.folder.root.parent]) for fold in folds]
        running: dict[Any, Attempt] = {}  # by the stream of messages of its task
        stack.callback(lambda: _cancel(list(running)))
        while waiting or running:
            while waiting and len(running) < jobs:
                attempt = waiting.pop(0)
                running[_send(attempt, run, code)] = attempt
            for messages in ray.wait(list(running), num_returns=1, timeout=_LOOK_SECONDS)[0]:
                attempt, failure = running[messages], None
                try:
                    next_attempt = _hear(messages, attempt, display, packed)
                except (DataError, OSError) as error:
                    next_attempt, failure = None, error
                if next_attempt is attempt:
                    continue
                if not failure:  # where it is of this machine, the task goes on, and is to be ended like the others
                    del running[messages]
                if next_attempt:
                    waiting.insert(0, next_attempt)
                    continue
                ended(attempt.fold, failure)
                if failure:
                    useless = [one for one, other in running.items() if same_run(attempt.fold, other.fold)]
                    _cancel(useless)
                    running = {one: other for one, other in running.items() if one not in useless}
                    waiting = [other for other in waiting if not same_run(attempt.fold, other.fold)]


def _send(attempt: Attempt, run: RunFold, code: Code) -> Any:
    fold, parcel = sendable(attempt.fold), attempt.parcel
    if parcel:
        parcel = replace(parcel, state=folder_state(fold.folder))
    options = {"num_returns": "streaming", "max_retries": 0, "scheduling_strategy": "SPREAD", "name": fold.title}
    task = import_ray().remote(_make_fold).options(**options, **fold_resources(fold.compute))
    return task.remote(fold, run, str(Path.cwd()), code, attempt.mark, parcel)


def _hear(messages: Any, attempt: Attempt, display: Display, packed: dict[str, Parcel]) -> Attempt | None:
    """Pass on one message of a task; returns the attempt while it lasts, another one to be sent, None when done.

    Raises what the fold failed with. `packed` is what nodes can fetch already.
    """
    ray = import_ray()
    lost = ray.exceptions
    try:
        kind, *values = ray.get(next(messages))
    except (
        lost.WorkerCrashedError, lost.NodeDiedError, lost.OutOfMemoryError, lost.ObjectLostError, StopIteration,
    ) as error:  # fmt: skip
        return _after_loss(attempt, _reason(error), display)
    except lost.RayTaskError:  # a bug: its traceback is wanted
        raise
    except lost.RayError as error:
        raise DataError(f"{attempt.fold.title}: {_reason(error)}.") from error
    if kind == "files":
        receive(attempt.fold.folder, values[0])
    elif kind == "unseen":
        display.line(f"{attempt.fold.title}: {values[0]}: what it needs is sent")
        with locked(attempt.fold.folder.root):  # `receive` writes there, as that of a command that was killed
            remove_rubbish(attempt.fold.folder.root)
        return replace(attempt, parcel=pack(attempt.fold, ray.put, packed))
    elif show_message(kind, values, display):
        return None
    return attempt


def _after_loss(attempt: Attempt, reason: str, display: Display) -> Attempt:
    """The next attempt at a fold that lost its worker; DataError where that would hardly end otherwise."""
    fold, epochs = attempt.fold, Timing(attempt.fold.folder.timing).epochs()
    losses = 1 if epochs > attempt.epochs else attempt.losses + 1
    if losses == LOSSES:
        raise DataError(
            f"{fold.title}: its worker was lost {losses} times without an epoch in between ({reason}): more memory, or "
            "fewer folds on a node, would be right; the same command continues."
        )
    compute = fold.compute
    # is there room still?
    compute_on(node_resources(), compute.device, compute.jobs, compute.threads, compute.known_workers)
    display.line(f"{fold.title}: its worker was lost ({reason}); it goes on elsewhere from epoch {epochs}")
    return replace(attempt, losses=losses, epochs=epochs)


def _reason(error: BaseException) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words.partition(". ")[0].rstrip(".")[:200]


def _cancel(running: Sequence[Any]) -> None:
    """End tasks at once: every commit is whole or not there."""
    ray = import_ray()
    for messages in running:
        ray.cancel(messages, force=True)
    end = time.monotonic() + _CANCEL_SECONDS
    for messages in running:
        try:
            while time.monotonic() < end:
                if ray.wait([messages], timeout=max(0.0, end - time.monotonic()))[0]:
                    ray.get(next(messages))
        except (ray.exceptions.RayError, StopIteration):
            continue


def _make_fold(
    fold: Fold, run: RunFold, folder: str, code: Code, mark: Mark, parcel: Parcel | None
) -> Iterator[tuple[Any, ...]]:
    """The task, on some node: yields what `tell_fold` sends; ("unseen", why) where it needs a parcel; ("files", ...).

    folder: relative paths of the declaration are relative to it, where it is there.
    """
    try:
        yield from _made_here(fold, run, folder, code, mark, parcel)
    except DataError as error:  # around the fold; tell_fold tells of one in it
        yield "failed", f"Node {node_name()}: {error}"
    except OSError as error:
        yield "failed", f"Node {node_name()}: {error.filename or 'its disk'}: {error.strerror or error}."


def _made_here(
    fold: Fold, run: RunFold, folder: str, code: Code, mark: Mark, parcel: Parcel | None
) -> Iterator[tuple[Any, ...]]:
    if os.path.isdir(folder):
        os.chdir(folder)
    problem = other_code(code)
    if problem:
        yield "failed", problem
        return
    problem = unseen(fold, mark)
    if not problem:
        yield from _told(fold, run)
    elif parcel is None:
        yield "unseen", problem
    else:
        with unpacked(fold, parcel, import_ray().get) as here:
            seen: dict[str, tuple[int, int]] = {}
            changed_files(here.folder, seen)  # what was sent is no news
            yield from _told(here, run, partial(changed_files, here.folder, seen))


def _told(fold: Fold, run: RunFold, changed: Callable[[], Mapping[str, bytes]] = dict) -> Iterator[tuple[Any, ...]]:
    """Make the fold in a thread, and yield its messages as they come, each after the files that changed before it."""
    messages: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_tell, args=(fold, run, messages), daemon=True).start()
    while True:
        try:
            message = messages.get(timeout=_LOOK_SECONDS)
        except Empty:
            message = None
        if files := changed():
            yield "files", files
        if isinstance(message, BaseException):
            raise message
        if message:
            yield message
            if message[0] in _LAST:
                return


def _tell(fold: Fold, run: RunFold, messages: "SimpleQueue[Any]") -> None:
    try:
        tell_fold(fold, run, SimpleNamespace(send=messages.put))
    except BaseException as error:  # raised again by the task: a bug in a fold is one in the command
        messages.put(error)
