"""What SIGTERM and Ctrl-C do to a process that looks at them now and then, and to one that does not."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from runners.stop import BATCH_SECONDS, END_SECONDS, FOLDS_SECONDS, Stop, Terminated, current_stop, listening

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Handlers and the alarm are the process's own: after a stop they are left as they are."""
    handlers = {number: signal.getsignal(number) for number in (*BOTH, signal.SIGALRM)}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """One that is noted in place of ending the process."""

    class Noted(Stop):
        ended = 0

        def at_once(self, number=0, frame=None) -> None:  # type: ignore[override]
            self.ended += 1

    return Noted()


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_where_nobody_looks_it_is_raised_at_once(stop: Stop, number: signal.Signals, error) -> None:
    with pytest.raises(error), listening(stop, *BOTH):
        signal.raise_signal(number)
        pytest.fail("was not raised")


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_where_it_is_awaited_the_batch_is_finished_and_a_last_thing_done(stop: Stop, number, error) -> None:
    done = []
    with pytest.raises(error), listening(stop, *BOTH), current_stop().awaited(600):
        signal.raise_signal(number)
        assert stop.asked
        done.append("batch")
        stop.heed(lambda: done.append("saved"))
    assert done == ["batch", "saved"]


def test_a_batch_that_takes_too_long_is_given_up(stop: Stop) -> None:
    with pytest.raises(Terminated), listening(stop, *BOTH), stop.awaited(0.05):
        signal.raise_signal(signal.SIGTERM)
        time.sleep(60)


def test_a_thread_that_is_being_started_is_started_first(stop: Stop) -> None:
    """Raised in the middle, it would leave a thread that dies of a KeyError and prints it."""
    thread, steps = threading.Thread(target=bool), list[str]()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            signal.raise_signal(signal.SIGTERM)
            steps.append("started")
            return super().wait(timeout)

    thread._started = Interrupted()  # type: ignore[attr-defined]
    with pytest.raises(Terminated), listening(stop, *BOTH):
        thread.start()
        steps.append("went on")
        time.sleep(60)
    assert steps == ["started", "went on"]


def test_what_is_asked_for_at_the_very_end_is_not_forgotten(stop: Stop) -> None:
    with pytest.raises(Terminated), listening(stop, *BOTH), stop.awaited(600):
        signal.raise_signal(signal.SIGTERM)


def test_an_error_of_a_batch_after_a_stop_is_the_stop_and_before_it_is_itself(stop: Stop) -> None:
    with pytest.raises(ZeroDivisionError), listening(stop, *BOTH), stop.awaited(600):
        raise ZeroDivisionError
    with pytest.raises(Terminated) as error, listening(stop, *BOTH), stop.awaited(600):
        signal.raise_signal(signal.SIGTERM)
        raise RuntimeError("a worker got the signal too")
    assert isinstance(error.value.__cause__, RuntimeError)


@pytest.mark.parametrize("second", BOTH)
def test_a_second_signal_ends_at_once_but_an_echo_does_not(stop, second: signal.Signals) -> None:
    """`timeout`, among others, signals the command and then its group, in which it is too."""
    with pytest.raises(Terminated), listening(stop, *BOTH), stop.awaited(600):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert not stop.ended
        stop.asked_at -= 1
        signal.raise_signal(second)
        assert stop.ended == 1


def test_a_fold_leaves_it_to_the_command_what_a_second_one_means(stop) -> None:
    stop.hurries = False
    with pytest.raises(Terminated), listening(stop, *BOTH), stop.awaited(600):
        signal.raise_signal(signal.SIGTERM)
        stop.asked_at -= 1
        signal.raise_signal(signal.SIGTERM)
    assert not stop.ended


def test_the_time_is_over_while_it_is_saved(stop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runners.stop.END_SECONDS", 0.05)

    def save() -> None:
        while not stop.ended:
            time.sleep(0.001)

    with pytest.raises(Terminated), listening(stop, *BOTH), stop.awaited(5):
        signal.raise_signal(signal.SIGTERM)
        stop.heed(save)
    assert stop.ended


@pytest.mark.parametrize("asked", [False, True])
def test_a_process_forked_from_one_that_listens_ends_with_the_signals_code(stop: Stop, asked: bool) -> None:
    """Also where the signal came just before the fork, and the next one would be the second."""
    with suppress(Terminated), listening(stop, *BOTH), stop.awaited(600):
        if asked:
            signal.raise_signal(signal.SIGTERM)
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
    assert os.waitstatus_to_exitcode(status) == 143 and stop.asked == asked


def test_a_wait_inside_another_leaves_it_its_time(stop: Stop) -> None:
    with listening(stop, *BOTH), stop.awaited(600):
        with stop.awaited(1):
            assert stop.patience == 1
        assert stop.patience == 600
    assert stop.patience == 0


def test_without_a_stop_none_ever_comes() -> None:
    assert not isinstance(getattr(signal.getsignal(signal.SIGTERM), "__self__", None), Stop)
    with current_stop().awaited(1) as stop:
        assert not stop.asked


def test_all_of_it_is_over_in_five_seconds() -> None:
    assert BATCH_SECONDS < FOLDS_SECONDS < END_SECONDS < 5
