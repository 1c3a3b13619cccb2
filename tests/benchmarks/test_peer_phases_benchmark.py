from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.epoch import find_peer
from benchmarks.peer_phases import HEADINGS, inside_step, main, table
from benchmarks.phases import BACKWARD, FORWARD, MAKE, STEP, clocked
from benchmarks.workload import NETWORKS, first_images
from data.metadata import ImageData


def test_what_no_column_names_is_the_rest_and_the_share_is_the_networks() -> None:
    turn = {MAKE: 3.0, FORWARD: 10.0, BACKWARD: 20.0, STEP: 1.0, "F1": 4.0, "the rest": 2.0}
    twice = {name: 2 * value for name, value in turn.items()}
    (line,) = table({"somebody": [turn, twice, twice]})
    assert line.split() == ["somebody", "0.00", "6.00", "20.00", "40.00", "2.00", "12.00", "80.00", "75%"]


@pytest.mark.parametrize("peer", ["PyTorch", "timm"])
def test_prints_every_contestants_phases(capsys: pytest.CaptureFixture[str], peer: str) -> None:
    pytest.importorskip("timm")
    main(["--models", "tiny", "--images", "64", "--peers", peer, "--rounds", "1"])
    header, *rows, empty, note, share, machine = capsys.readouterr().out.splitlines()
    assert header.split() == ["tiny", *" ".join(HEADINGS).split()] and not empty
    assert "no worker processes" in note and "network" in share and "torch" in machine
    found = {row[:21].strip(): [float(cell.rstrip("%")) for cell in row[21:].split()] for row in rows}
    floors, (read, made, forward, backward, step, _, whole, network) = list(found.values())[:2], found[peer]
    assert all(floor[0] == floor[1] == 0 and floor[2] > 0 for floor in floors)
    assert min(read, made, forward, backward, step) > 0
    assert network == pytest.approx(100 * (forward + backward) / whole, abs=1)
    assert max(map(len, (header, *rows, note, share, machine))) <= 100


@pytest.mark.parametrize("peer", ["Lightning", "skorch"])
def test_what_is_done_inside_a_step_is_called_there(photos: ImageData, tmp_path: Path, peer: str) -> None:
    network = replace(NETWORKS["tiny"], size=(16, 16))
    work = first_images(photos, network, images=16, batch_size=8, folder=tmp_path)
    with clocked(inside_step(peer)) as spent:
        find_peer(peer)(work, 0, 1)
    assert spent and all(milliseconds > 0 for milliseconds in spent.values())
