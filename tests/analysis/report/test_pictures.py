from pathlib import Path

import pytest

from analysis.comparison.chosen_runs import choose
from analysis.report.image_table import ImageTable, image_tables
from analysis.report.pictures import by_image, make_pictures, picture_order
from analysis.report.run_section import RunSection, run_section
from benchmarks.simulated_runs import Trial
from data.errors import DataError


@pytest.fixture(scope="module")
def sections(reported: Trial) -> list[RunSection]:
    return [run_section(run.experiment, run) for run in choose(reported.runs, ()).runs]


@pytest.fixture(scope="module")
def tables(sections: list[RunSection]) -> list[ImageTable]:
    return image_tables([section.judged for section in sections])


def test_persons_in_lists_come_first_then_the_images_that_most_runs_got_wrong(tables: list[ImageTable]) -> None:
    (table,) = tables
    shown = {str(table.persons[20]), str(table.persons[0])}
    order = picture_order(table, shown)
    assert sorted(order) == list(range(len(table.image_ids)))
    assert {str(person) for person in table.persons[order[:14]]} == shown
    for part in (order[:14], order[14:]):
        wrong = table.wrong[part].tolist()
        assert wrong == sorted(wrong, reverse=True)
    assert max(table.wrong) == 2


def test_every_image_has_a_picture_where_there_is_room(
    tables: list[ImageTable], sections: list[RunSection], reported: Trial
) -> None:
    (pictures,) = make_pictures(tables, sections, reported.data.root)
    assert len(pictures) == len(tables[0].image_ids) == 84
    where = by_image([pictures], tables, run=1)
    assert where[str(tables[0].image_ids[5])] == "0:5"
    (few,) = make_pictures(tables, sections, reported.data.root, budget=20_000)
    assert 0 < len(few) < 40 and sum(map(len, few.values())) <= 20_000
    listed = {mistake.person for section in sections for mistake in section.worst}
    assert {str(tables[0].persons[row]) for row in list(few)[:3]} <= listed


def test_other_data_is_refused(
    tables: list[ImageTable], sections: list[RunSection], tmp_path: Path, trial: Trial
) -> None:
    with pytest.raises(DataError, match=r"has none of the runs' images, such as train/images/"):
        make_pictures(tables, sections, trial.data.root)
