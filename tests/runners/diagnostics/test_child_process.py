import os
import signal
import time

import pytest

from data.errors import DataError
from runners.diagnostics.child_process import KILLED, ProcessLost, in_child


def add(first: int, second: int) -> tuple[int, int]:
    return first + second, os.getpid()


def refuse() -> None:
    raise DataError("One sentence.")


def vanish(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def test_the_answer_comes_from_another_process() -> None:
    total, process = in_child(add, 2, 3, device="cpu")
    assert total == 5 and process != os.getpid()


def test_a_mistake_is_told_as_one() -> None:
    with pytest.raises(DataError, match="One sentence."):
        in_child(refuse, device="cpu")


def test_a_killed_process_is_survived_and_said_to_be_lost() -> None:
    with pytest.raises(ProcessLost) as lost:
        in_child(vanish, signal.SIGKILL, device="cpu")
    assert lost.value.code == KILLED and "code -9" in str(lost.value)


def test_a_child_offers_itself_to_a_system_out_of_memory() -> None:
    assert in_child(volunteered, device="cpu") == "1000"


def volunteered() -> str:
    with open("/proc/self/oom_score_adj") as file:
        return file.read().strip()
