"""The pictures of a run: which there are, where, and what is said when its images are not there."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.pictures import write_pictures
from analysis.mistakes.suspects import Suspect, Suspects
from data.errors import DataError

Judge = Callable[..., JudgedImages]


@pytest.fixture
def judged(judge: Judge, tmp_path: Path) -> JudgedImages:
    """Six persons, each wrong in the first image; only the first person's first image is there."""
    labels = np.where(np.arange(42) % 7 == 0, 3, 0)
    found = judge(np.zeros(42, np.int64), np.eye(18)[labels] * 0.9 + 0.005)
    file = tmp_path / "data" / str(found.paths[0])
    file.parent.mkdir(parents=True)
    Image.new("RGB", (48, 64), "blue").save(file)
    return found


def suspect(judged: JudgedImages, row: int, factor: str) -> Suspect:
    person = str(judged.persons[row])
    return Suspect(person, factor, np.array([row]), "worn", "absent", 0.9, 0.1, False, "alone")


def names(paths: tuple[Path, ...]) -> list[str]:
    assert all(path.is_file() for path in paths)
    return [path.name for path in paths]


def test_everything_is_drawn_where_there_are_images(judged: JudgedImages, tmp_path: Path) -> None:
    suspects = Suspects((suspect(judged, 0, "mask"), suspect(judged, 1, "mask")), {"mask": 0.9}, {"mask": 0})
    written = write_pictures(tmp_path / "out", judged, suspects, tmp_path / "data", 10)
    assert names(written.paths) == ["confusion.png", "calibration.png", "worst.png", "worst_2.png", "suspects.png"]
    assert written.lacking == ""
    with Image.open(tmp_path / "out/suspects.png") as both, Image.open(tmp_path / "out/worst_2.png") as two:
        assert both.height < two.height  # both images of one person stand in one row


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plots take a second each and are looked at elsewhere."""
    for name in ("confusion_figure", "calibration_figure"):
        monkeypatch.setattr(f"analysis.mistakes.pictures.{name}", lambda found: Figure())


@pytest.mark.usefixtures("no_plots")
def test_top_limits_the_persons(judged: JudgedImages, tmp_path: Path) -> None:
    written = write_pictures(tmp_path / "out", judged, None, tmp_path / "data", 2)
    assert names(written.paths) == ["confusion.png", "calibration.png", "worst.png"]


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(
    ("root", "said"),
    [(None, "does not say where its data is; --data PATH does"), ("elsewhere", "elsewhere has none of them; --data")],
)
def test_without_images_the_rest_is_drawn_and_it_is_said(
    judged: JudgedImages, tmp_path: Path, root: str | None, said: str
) -> None:
    written = write_pictures(tmp_path / "out", judged, None, root and tmp_path / root, 10)
    assert names(written.paths) == ["confusion.png", "calibration.png"] and said in written.lacking


@pytest.mark.usefixtures("no_plots")
def test_no_mistakes_need_no_sheet(judge: Judge, tmp_path: Path) -> None:
    judged = judge(np.arange(18), np.eye(18))
    written = write_pictures(tmp_path / "out", judged, None, tmp_path, 10)
    assert names(written.paths) == ["confusion.png", "calibration.png"] and not written.lacking


@pytest.mark.usefixtures("no_plots")
def test_a_folder_that_can_not_be_written_is_a_sentence(judged: JudgedImages, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"confusion\.png can't be written"):
        write_pictures(tmp_path / "file", judged, None, None, 10)
