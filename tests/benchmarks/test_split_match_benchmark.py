"""A tiny run of the whole benchmark, and the arithmetic of its table."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.simulated_competition import WORLDS
from benchmarks.split_match import SUBMISSIONS, TO_BEAT, foretell, main, report


def test_prints_every_world_method_and_figure_to_beat(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--small", "--repeats", "1"])
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split("RMSE")[0].strip() for line in lines if "RMSE E=3" in line] == list(WORLDS)
    for world, block in zip(WORLDS, text.split("RMSE E=3")[1:], strict=True):
        rows = {line[:30].strip(): line[30:].split() for line in block.splitlines()}
        for method in ("one stratified split", "one split to the prior", "whole table", "label-weighted table",
                       "domain-weighted table", "stratified", "tilted to test, best averaged", "CHOSEN split",
                       "EXPECTED score", "EXPECTED, no test images", "noise floor"):
            errors, taus = map(float, rows[method][:3]), map(float, rows[method][3:6])
            assert all(0 < error < 0.5 for error in errors) and all(-1 <= tau <= 1 for tau in taus)
        for (of_world, method), figure in TO_BEAT.items():
            assert of_world != world or " ".join(rows[method]).endswith(figure)
    assert text.count("EXPECTED score E=") == len(WORLDS) * len(SUBMISSIONS)


def test_the_table_holds_root_mean_squares_over_repeats() -> None:
    results = pd.concat([foretell("none", seed, candidates=40, scale=0.05) for seed in (0, 1)], ignore_index=True)
    line = next(line for line in report(results, 2).splitlines() if line.startswith("whole table"))
    of_table = results[results["method"] == "whole table"]
    for column, count in zip(line[30:].split()[:3], SUBMISSIONS, strict=True):
        squares = of_table.loc[of_table["submissions"] == count, "square"]
        assert len(squares) == 2 and float(column) == pytest.approx(np.sqrt(squares.mean()), abs=6e-5)
    assert of_table["square"].nunique() == 2            # the whole table does not depend on the number of submissions
