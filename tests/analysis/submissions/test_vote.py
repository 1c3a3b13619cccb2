"""Votes are counted by score, ties go to the better file, rows are joined by id."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.submissions.vote import count_votes, read_ballot
from benchmarks.simulated_runs import Trial
from data.errors import DataError
from runners.run_folder import list_runs


def plain_vote(answers: list[int], scores: list[float]) -> tuple[int, bool]:
    """One id's answers, the formula in words: highest sum, then the best file, then the first one."""
    sums = {answer: round(sum(s for a, s in zip(answers, scores, strict=True) if a == answer), 9) for answer in answers}
    leading = [answer for answer, total in sums.items() if total == max(sums.values())]
    by_score = sorted(range(len(answers)), key=lambda file: (-scores[file], file))
    return next(answers[file] for file in by_score if answers[file] in leading), len(leading) > 1


@given(st.integers(1, 5).flatmap(lambda files: st.tuples(
    st.lists(st.lists(st.integers(0, 3), min_size=files, max_size=files), min_size=1, max_size=12),
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.76, 0.78]), min_size=files, max_size=files), st.booleans(),
)))
def test_it_equals_the_rule_in_words(drawn: tuple[list[list[int]], list[float], bool]) -> None:
    rows, scores, scored = drawn
    outcome = count_votes(np.array(rows).T, scores if scored else None)
    expected = [plain_vote(row, scores if scored else [1.0] * len(row)) for row in rows]
    assert outcome.labels.tolist() == [answer for answer, _ in expected]
    assert outcome.ties == sum(tie for _, tie in expected)
    assert outcome.unanimous == sum(len(set(row)) == 1 for row in rows)


def test_two_against_one_and_a_better_file_against_two() -> None:
    labels = np.array([[0, 0], [1, 1], [1, 2]])
    assert count_votes(labels).labels.tolist() == [1, 0]
    assert count_votes(labels, [0.9, 0.4, 0.4]).labels.tolist() == [0, 0]
    assert count_votes(labels, [0.3, 0.1, 0.2]).labels.tolist() == [0, 0]     # .1 + .2 is .3, the best file decides
    assert count_votes(labels[:2], [0.1, 0.2]).ties == 0


@pytest.mark.parametrize(("scores", "said"), [
    ([0.5], "1 scores for 2 files"), ([0.5, 0.0], "0 found; a file that scored nothing has no vote"),
])
def test_scores_are_one_a_file_and_above_zero(scores: list[float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        count_votes(np.array([[0], [1]]), scores)


def write(path: Path, rows: list[str], header: str = "ImageID,ans") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@given(st.permutations(["a.jpg,1", "b.jpg,2", "c.jpg,3"]))
def test_rows_are_joined_by_id(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    folder = tmp_path_factory.mktemp("vote")
    files = [write(folder / "1.csv", ["c.jpg,5", "a.jpg,6", "b.jpg,7"]), write(folder / "2.csv", rows)]
    ballot = read_ballot(files, folder / "runs", like=files[0])
    assert ballot.form.ids == ("c.jpg", "a.jpg", "b.jpg") and ballot.run is None
    assert ballot.labels.tolist() == [[5, 6, 7], [3, 1, 2]]
    info = write(folder / "info.csv", ["b.jpg,0", "a.jpg,0", "c.jpg,0"])
    assert read_ballot(files, folder / "runs", like=info).labels.tolist() == [[7, 6, 5], [2, 1, 3]]


def test_which_of_two_orders_is_right_is_not_guessed(tmp_path: Path) -> None:
    files = [write(tmp_path / "1.csv", ["c.jpg,5", "a.jpg,6"]), write(tmp_path / "2.csv", ["a.jpg,1", "c.jpg,2"])]
    with pytest.raises(DataError, match="2.csv has the ids of .*1.csv in another order, .*--like FILE"):
        read_ballot(files, tmp_path / "runs")
    assert read_ballot(files[:1] + [write(tmp_path / "3.csv", ["c.jpg,1", "a.jpg,2"])], tmp_path / "runs").run is None


def test_the_order_is_a_runs_where_one_has_the_ids(trial: Trial, tmp_path: Path) -> None:
    run = list_runs(trial.runs)[2]
    lines = run.submission.read_text().splitlines()
    shuffled = write(tmp_path / "other.csv", lines[:0:-1])
    ballot = read_ballot([shuffled, run.submission], trial.runs)
    assert ballot.run == run and list(ballot.form.ids) == [line.split(",")[0] for line in lines[1:]]
    assert (ballot.labels[0] == ballot.labels[1]).all()


def test_label_texts_that_nobody_lists_are_taken_from_the_files(tmp_path: Path) -> None:
    files = [write(tmp_path / "1.csv", ["x,bee", "y,ant"], "path,label"),
             write(tmp_path / "2.csv", ["x,bee", "y,wasp"], "path,label")]
    ballot = read_ballot(files, tmp_path / "runs")
    assert ballot.form.answers == ("ant", "bee", "wasp") and ballot.labels.tolist() == [[1, 0], [1, 2]]


@pytest.mark.parametrize(("rows", "header", "said"), [
    (["a.jpg,1", "b.jpg,2"], "ImageID,ans", "no row for ImageID 'c.jpg'.*its ids must be those"),
    (["x.jpg,1", "y.jpg,2", "z.jpg,1"], "ImageID,ans", "line 2: none of its 3 ids"),
    (["a.jpg,1", "b.jpg,2.0", "c.jpg,3"], "ImageID,ans", "line 3: ans is '2.0'; expected '2'.*lists all"),
    (["a.jpg,1", "b.jpg,18", "c.jpg,3"], "ImageID,ans", "line 3: ans is '18'"),
    (["a.jpg,1", "b.jpg,1", "c.jpg,3"], "path,label", "line 1: no column 'ImageID'"),
])
def test_files_that_do_not_fit_are_refused(tmp_path: Path, rows: list[str], header: str, said: str) -> None:
    files = [write(tmp_path / "1.csv", ["c.jpg,5", "a.jpg,6", "b.jpg,7"]), write(tmp_path / "2.csv", rows, header)]
    with pytest.raises(DataError, match=f"2.csv.*{said}"):
        read_ballot(files, tmp_path / "runs")


def test_one_file_and_a_file_twice_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "1.csv", ["c.jpg,5"])
    with pytest.raises(DataError, match="1 file given; a vote needs two or more"):
        read_ballot([path], tmp_path)
    with pytest.raises(DataError, match="1.csv is named twice"):
        read_ballot([path, tmp_path / "." / "1.csv"], tmp_path)
