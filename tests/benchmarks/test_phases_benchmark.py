import pytest
import torch

import benchmarks.phases
from benchmarks.machine import machine
from benchmarks.phases import PHASES, clocked, main


class Worker:
    def work(self, clock: list[float], seconds: float) -> str:
        clock[0] += seconds
        return "done"

    def work_twice(self, clock: list[float]) -> None:
        self.work(clock, 0.5)
        clock[0] += 1
        self.work(clock, 1.5)


def test_time_is_counted_while_training_and_the_call_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    before, clock = Worker.work, [100.0]
    monkeypatch.setattr(benchmarks.phases, "perf_counter", lambda: clock[0])
    with clocked({"work": (Worker, "work")}) as spent:
        assert Worker().work(clock, 2.0) == Worker().work(clock, seconds=0.5) == "done"
        with torch.no_grad():
            Worker().work(clock, 4.0)
    assert spent == {"work": 2500.0}
    assert Worker.work is before


def test_a_call_inside_another_counts_once_as_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(benchmarks.phases, "perf_counter", lambda: clock[0])
    with clocked({"outer": (Worker, "work_twice"), "inner": (Worker, "work")}) as spent:
        Worker().work_twice(clock)
    assert spent == {"outer": 1000.0, "inner": 2000.0}


def test_prints_every_phase_and_floors_have_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--models", "tiny", "--images", "128", "--threads", "1", "--rounds", "1"])
    header, *rows, empty, note, told = capsys.readouterr().out.splitlines()
    assert header.startswith("tiny, threads 1") and not empty and "1 rounds" in note
    assert [row[:34].strip() for row in rows] == [*PHASES, "in all"]
    values = {row[:34].strip(): [float(word) for word in row[34:].split()] for row in rows}
    assert values["make the batch"][0] == values["F1"][0] == 0 and values["network, backward"][0] > 0
    assert all(spent > 0 for _, spent, _ in values.values())
    assert values["losses"][0] > 0, "the floor has a loss too"
    assert max(map(len, (header, *rows, note, told))) <= 100 and told == machine()
