import time

import pytest
import torch

from benchmarks.phases import PHASES, clocked, main


class Worker:
    def work(self, seconds: float) -> str:
        time.sleep(seconds)
        return "done"


def test_time_is_counted_while_training_and_the_call_is_as_before() -> None:
    before = Worker.work
    with clocked({"work": (Worker, "work")}) as spent:
        assert Worker().work(0.02) == "done"
        trained = spent["work"]
        with torch.no_grad():
            Worker().work(0.02)
    assert spent["work"] == trained >= 20
    assert Worker.work is before


def test_prints_every_phase_and_floors_have_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--models", "tiny", "--images", "128", "--threads", "1", "--rounds", "1"])
    header, *rows, empty, note = capsys.readouterr().out.splitlines()
    assert header.startswith("tiny, threads 1") and not empty and "1 rounds" in note
    assert [row[:34].strip() for row in rows] == [*PHASES, "in all"]
    values = {row[:34].strip(): [float(word) for word in row[34:].split()] for row in rows}
    assert values["make the batch"][0] == values["F1"][0] == 0 and values["network, backward"][0] > 0
    assert all(spent > 0 for _, spent, _ in values.values())
    assert values["losses"][0] > 0, "the floor has a loss too"
    assert max(map(len, (header, *rows, note))) <= 100
