"""All pictures of a run's mistakes, written into one folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.mistakes.calibration import calibration
from analysis.mistakes.calibration_plot import calibration_figure
from analysis.mistakes.confusion import confusions
from analysis.mistakes.confusion_plot import confusion_figure
from analysis.mistakes.contact_sheet import SheetRow, contact_sheets, image_file
from analysis.mistakes.judged_images import JudgedImages
from analysis.mistakes.picture_file import write_picture
from analysis.mistakes.suspects import OF_AN_IMAGE, Suspects
from analysis.mistakes.worst_mistakes import worst_mistakes


@dataclass(frozen=True)
class WrittenPictures:
    """What was drawn."""

    paths: tuple[Path, ...]
    lacking: str  # a sentence where there are no sheets, "" otherwise


def write_pictures(
    folder: Path, judged: JudgedImages, suspects: Suspects | None, root: Path | None, top: int
) -> WrittenPictures:
    """Draw confusion.png, calibration.png and, from the images below `root`, sheets: worst*.png and suspects*.png.

    A sheet shows the worst mistakes of `top` persons, or `top` suspects of each factor. The folder is the run's own:
    what an earlier call wrote there is replaced. Raises DataError where the folder can't be written.
    """
    for old in [*folder.glob("worst*.png"), *folder.glob("suspects*.png")]:
        old.unlink()  # of an earlier call with more of them
    paths = [folder / "confusion.png", folder / "calibration.png"]
    write_picture(paths[0], confusion_figure(confusions(judged)))
    write_picture(paths[1], calibration_figure(calibration(judged)))
    worst = worst_mistakes(judged, top, one_a_person=True)
    wanted = "no sheets of images"
    if root is None:
        return WrittenPictures(tuple(paths), f"{wanted}: the run does not say where its data is; --data PATH does.")
    if worst and not any(image_file(root, mistake.path) for mistake in worst):
        lacking = f"{wanted}: {root} has none of them; --data PATH says where the run's data is now."
        return WrittenPictures(tuple(paths), lacking)
    rows = [SheetRow(each.person, f"loss {each.loss:.2f} at the worst", (each.row,)) for each in worst]
    paths += _write_sheets(folder / "worst.png", judged, rows, root, "Worst mistakes")
    if suspects:
        rows = _suspect_rows(judged, suspects, top)
        paths += _write_sheets(folder / "suspects.png", judged, rows, root, "Labels that may be wrong")
    return WrittenPictures(tuple(paths), "")


def _suspect_rows(judged: JudgedImages, suspects: Suspects, top: int) -> list[SheetRow]:
    """A row a person and factor; both images of a swap stand in one row."""
    rows: dict[tuple[str, str], SheetRow] = {}
    for factor in suspects.agreement:
        for suspect in [each for each in suspects.found if each.factor == factor][:top]:
            earlier = rows.get((suspect.person, factor))
            where = f"{judged.paths[suspect.rows[0]].rpartition('/')[2]}: " if factor in OF_AN_IMAGE else ""
            told = f"{where}{factor} {suspect.given}, judged {suspect.suggested} ({suspect.probability:.2f})"
            images = tuple(suspect.rows.tolist())
            rows[suspect.person, factor] = (
                SheetRow(suspect.person, f"{earlier.told}, {told}", earlier.rows + images)
                if earlier
                else SheetRow(suspect.person, told, images)
            )
    return list(rows.values())


def _write_sheets(path: Path, judged: JudgedImages, rows: Sequence[SheetRow], root: Path, title: str) -> list[Path]:
    """Write the sheets as worst.png, worst_2.png ..."""
    written = []
    for number, sheet in enumerate(contact_sheets(judged, rows, root, title), 1):
        written.append(path if number == 1 else path.with_stem(f"{path.stem}_{number}"))
        write_picture(written[-1], sheet)
    return written
