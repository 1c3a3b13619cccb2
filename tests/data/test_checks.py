"""The check finds every planted problem at once, counts what is there, and prints all of it."""

import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from data.check_report import print_report
from data.checks import CheckReport, check, inspect_image
from data.errors import DataError
from data.labels import STEM_TO_MASK


def image(file: Path, seed: int, size: tuple[int, int] = (12, 16), mode: str = "RGB", **options: object) -> None:
    """An image of its own: noise of a seed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).convert(mode).save(file, **options)


def competition(root: Path, people: int = 3, test: int = 2) -> Path:
    """People of both sexes, ages 20, 40, 60 ..., with seven images each."""
    rows = ["id,gender,race,age,path"]
    for number in range(people):
        gender, years = ("male", "female")[number % 2], 20 + 20 * (number % 3)
        folder = f"{number:06d}_{gender}_Asian_{years}"
        rows.append(f"{number:06d},{gender},Asian,{years},{folder}")
        for seed, stem in enumerate(STEM_TO_MASK):
            image(root / f"train/images/{folder}/{stem}.jpg", 100 * number + seed)
    (root / "train/train.csv").write_text("\n".join(rows) + "\n")
    for number in range(test):
        image(root / f"eval/images/{number}.jpg", 10_000 + number)
    (root / "eval/info.csv").write_text("ImageID,ans\n" + "".join(f"{number}.jpg,0\n" for number in range(test)))
    return root


def generic(root: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        image(root / name, seed)
    rows = "".join(f"{name},{('cat', 'dog')[seed % 2]},p{seed // 2}\n" for seed, name in enumerate(names))
    (root / "data.csv").write_text(f"path,label,group\n{rows}")
    return root


def texts(report: CheckReport, kind: str) -> list[str]:
    return [finding.text for finding in report.findings if finding.kind == kind]


def kinds(report: CheckReport) -> set[str]:
    return {finding.kind for finding in report.findings}


# -- counts ------------------------------------------------------------------------------------------------------------


def test_counts_of_a_clean_competition(tmp_path: Path) -> None:
    report = check(competition(tmp_path))
    assert report.ready
    assert kinds(report) == {"classes without images"}
    assert report.counts["class"]["images"].tolist() == [5, 0, 5, 0, 5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]
    assert report.counts["class"].index[4] == " 4  worn, female, 30-59"
    assert report.counts["mask"]["images"].to_dict() == {"worn": 15, "incorrect": 3, "absent": 3}
    assert report.counts["mask"]["persons"].tolist() == [3, 3, 3]
    assert report.counts["gender"]["persons"].to_dict() == {"male": 2, "female": 1}
    assert report.counts["age"]["images"].to_dict() == {"<30": 7, "30-59": 7, ">=60": 7}
    assert report.counts["images a person"]["persons"].to_dict() == {7: 3}
    assert report.counts["size"].to_dict("index") == {"12x16": {"train": 21, "test": 2}}
    assert report.counts["format"].to_dict("index") == {"JPEG": {"train": 21, "test": 2}}
    assert report.counts["mode"].to_dict("index") == {"RGB": {"train": 21, "test": 2}}
    assert len(report.images) == 23 and report.images["sha256"].is_unique


def test_counts_of_a_generic_data_set(tmp_path: Path) -> None:
    report = check(generic(tmp_path, "a.jpg", "b.jpg", "c.jpg"))
    assert report.ready and not report.findings
    assert report.counts["class"]["images"].to_dict() == {"cat": 2, "dog": 1}
    assert report.counts["class"]["persons"].to_dict() == {"cat": 2, "dog": 1}
    assert report.counts["images a person"]["persons"].to_dict() == {1: 1, 2: 1}
    assert set(report.counts) == {"class", "images a person", "size", "format", "mode"}


# -- findings ----------------------------------------------------------------------------------------------------------


def test_every_planted_problem_is_found_in_one_pass(tmp_path: Path) -> None:
    root = competition(tmp_path, people=6)
    people = sorted((root / "train/images").iterdir())
    (people[0] / "mask1.jpg").write_bytes((people[0] / "mask1.jpg").read_bytes()[:-50])  # cut off
    (people[1] / "mask2.jpg").write_bytes(b"no image")
    (people[1] / "mask3.jpg").unlink()  # six images
    (people[2] / "._mask1.jpg").touch()  # hidden
    (people[2] / "normal.jpg").write_bytes((people[3] / "normal.jpg").read_bytes())  # two people, one image
    (people[3] / "mask2.jpg").write_bytes((people[3] / "mask1.jpg").read_bytes())  # one person, twice
    (root / "eval/images/0.jpg").write_bytes((people[4] / "mask1.jpg").read_bytes())  # train and test
    image(people[4] / "mask2.jpg", 1, mode="CMYK")  # another mode
    image(people[4] / "mask3.jpg", 2, size=(40, 30))  # another size
    image(people[4] / "mask4.jpg", 3, format="PNG")  # another format, wrong name
    turned = Image.Exif()
    turned[0x0112] = 6
    image(people[4] / "mask5.jpg", 4, size=(16, 12), exif=turned)
    with (root / "train/train.csv").open("a") as stream:
        stream.write("000004,male,Asian,99,none\n" + "000000,male,Asian,x,none2\n")
    with (root / "eval/info.csv").open("a") as stream:
        stream.write("none.jpg,0\n")
    report = check(root)
    assert not report.ready
    assert kinds(report) == {
        "unreadable image",
        "person without seven images",
        "hidden files",
        "same image with different labels",
        "same image twice",
        "same image in train and test",
        "near-duplicate with different labels",  # noise of seed 1 and 3, saved in another mode and format
        "mixed modes",
        "mixed sizes",
        "mixed formats",
        "misleading extension",
        "turned by EXIF",
        "missing person",
        "unusual age",
        "wrong age",
        "missing image",
    }
    assert len(texts(report, "unreadable image")) == 2
    assert texts(report, "same image with different labels") == [
        "The same file is 'train/images/000002_male_Asian_60/normal.jpg' (absent, male, >=60) and "
        "'train/images/000003_female_Asian_20/normal.jpg' (absent, female, <30)."
    ]
    assert texts(report, "same image in train and test")[0].endswith("and 'eval/images/0.jpg'.")
    assert texts(report, "mixed sizes") == [
        "Images differ in size: 41 are 12x16, 1 are 40x30 ('train/images/000004_male_Asian_40/mask3.jpg')."
    ]
    assert texts(report, "turned by EXIF") == [
        f"{people[4]}/mask5.jpg is stored turned (EXIF orientation 6); it is read upright."
    ]
    assert texts(report, "misleading extension") == [
        f"{people[4]}/mask4.jpg holds PNG, whatever its name says; it is read as that."
    ]
    assert texts(report, "hidden files") == [
        "1 hidden file is skipped: 'train/images/000002_male_Asian_60/._mask1.jpg'."
    ]
    stops = [finding.stops for finding in report.findings]
    assert stops == sorted(stops, reverse=True)  # what stops comes first


def test_a_repeated_id_is_said(tmp_path: Path) -> None:
    root = competition(tmp_path)
    file = root / "train/train.csv"
    file.write_text(file.read_text().replace("000001,female", "000000,female"))
    assert texts(check(root), "repeated id") == [
        "id '000000' is 2 people: '000000_male_Asian_20', '000001_female_Asian_40'."
    ]


def test_many_sizes_are_summed_up(tmp_path: Path) -> None:
    root = generic(tmp_path, *(f"{number}.jpg" for number in range(12)))
    for number in range(12):
        image(root / f"{number}.jpg", number, size=(10 + number, 8))
    report = check(root)
    listed = ", ".join(f"1 are {10 + number}x8 ('{number}.jpg')" for number in range(8))
    assert texts(report, "mixed sizes") == [f"Images differ in size: {listed}, 4 have 4 other sizes."]
    assert len(report.counts["size"]) == 12


def test_tables_without_a_row_are_no_crash(tmp_path: Path) -> None:
    root = competition(tmp_path)
    (root / "train/train.csv").write_text("id,gender\n")
    report = check(root)
    assert kinds(report) == {"unreadable train data"}
    assert report.counts["size"].to_dict("index") == {"12x16": {"train": 0, "test": 2}}
    assert "no column age, path" in printed(report)
    assert "images a person" not in printed(report)  # no table without rows
    (root / "eval/info.csv").write_text("x\n")
    report = check(root)
    assert len(report.images) == 0 and not report.ready
    assert "no column ImageID, ans" in printed(report)


def test_a_path_that_is_no_data_set_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no data set"):
        check(tmp_path)


# -- decoding ----------------------------------------------------------------------------------------------------------


def test_processes_find_the_same_and_report_progress(tmp_path: Path) -> None:
    root = competition(tmp_path)
    next((root / "train/images").rglob("mask1.jpg")).write_bytes(b"no image")
    seen: list[tuple[int, int]] = []
    alone = check(root, workers=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 23) for number in range(1, 24)]
    seen.clear()
    together = check(root, workers=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 23) for number in range(1, 24)]
    assert together.findings == alone.findings and not alone.ready
    assert together.images.equals(alone.images)


def test_a_killed_process_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deadly:
        def __reduce__(self) -> tuple[object, tuple[int]]:
            return os._exit, (1,)  # what a process does that receives it

    monkeypatch.setattr("data.checks.inspect_image", Deadly())
    with pytest.raises(DataError, match="A process that decodes images was killed"):
        check(generic(tmp_path, "a.jpg", "b.jpg"), workers=2)


def test_inspecting_an_image_gives_facts_or_the_error(tmp_path: Path) -> None:
    image(tmp_path / "a.png", 0, size=(5, 7), mode="L")
    facts = inspect_image(tmp_path / "a.png")
    assert (facts.height, facts.width, facts.format, facts.mode) == (7, 5, "PNG", "L")
    assert (facts.orientation, facts.error) == (1, "")
    assert re.fullmatch("[0-9a-f]{64}", facts.sha256)
    assert re.fullmatch("[0-9a-f]{64}", facts.phash)
    missing = inspect_image(tmp_path / "none.png")
    assert (missing.height, missing.format, missing.sha256, missing.phash) == (0, "", "", "")
    assert "none.png does not exist" in missing.error


def test_files_whose_bytes_can_not_be_read_are_errors_not_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("data.checks.file_sha256", fails)
    report = check(generic(tmp_path, "a.jpg", "b.jpg"))
    assert kinds(report) == {"unreadable image"}
    assert texts(report, "unreadable image")[1] == f"{tmp_path}/b.jpg can't be read: Input/output error."


# -- print -------------------------------------------------------------------------------------------------------------


def printed(report: CheckReport, width: int = 80, encoding: str = "utf-8", terminal: bool = False) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    print_report(report, Console(file=stream, width=width, force_terminal=terminal, legacy_windows=False))
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize("width", [60, 80, 100, 300])
def test_print_keeps_to_the_width_and_to_100_columns(tmp_path: Path, width: int) -> None:
    root = competition(tmp_path / ("long_folder_name_" * 10))
    (root / "eval/images/0.jpg").write_bytes(b"no image")
    lines = printed(check(root), width).splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    assert all(line == line.rstrip() for line in lines)


def test_print_says_everything(tmp_path: Path) -> None:
    root = competition(tmp_path)
    (root / "eval/images/0.jpg").write_bytes(b"no image")
    report = check(root)
    text = printed(report)
    assert "\x1b" not in text
    assert " ".join(text.split()).replace(" ", "").startswith(f"{tmp_path}:themaskcompetition")  # a long path is broken
    assert "train  21 images of 3 persons, 9 of 18 classes\ntest   2 images\n" in text
    assert re.search(r"^ 0  worn, male, <30 +5 +1 +23.8%$", text, re.MULTILINE)
    assert re.search(r"^class +images +persons +share$", text, re.MULTILINE)
    unbroken = "".join(text.split())
    assert len(report.findings) == 2
    for finding in report.findings:
        assert "".join(finding.text.split()) in unbroken
    assert text.endswith("Problems to mend before training: 1; worth knowing: 1.\n")


def test_a_heading_counts_findings_only_where_there_are_several(tmp_path: Path) -> None:
    """Three hidden files are one finding, which says so itself."""
    root = competition(tmp_path)
    people = sorted((root / "train/images").iterdir())
    for person in people:
        (person / ".DS_Store").touch()
    lines = printed(check(root)).splitlines()
    assert "hidden files" in lines and any(line.startswith("- 3 hidden files are skipped: ") for line in lines)
    for person in people[:2]:
        (person / "mask1.jpg").write_bytes(b"no image")
    assert "unreadable image: 2" in printed(check(root)).splitlines()


def test_print_of_a_clean_data_set(tmp_path: Path) -> None:
    text = printed(check(generic(tmp_path, "a.jpg", "b.jpg")))
    assert text.endswith("No problems, training can start; worth knowing: 0.\n")
    assert "test   no images\n" in text


def test_print_uses_colour_only_on_a_terminal(tmp_path: Path) -> None:
    report = check(generic(tmp_path, "a.jpg"))
    assert "\x1b[1;32mNo problems" in printed(report, terminal=True)
    assert "\x1b" not in printed(report)
    (tmp_path / "a.jpg").write_bytes(b"no image")
    assert "\x1b[1;31munreadable image" in printed(check(tmp_path), terminal=True)


def test_long_names_are_folded_not_cut(tmp_path: Path) -> None:
    name = "x" * 200 + ".jpg"
    root = generic(tmp_path, name)
    (root / name).write_bytes(b"")
    assert name in "".join(printed(check(root)).split()).replace("-", "")


@pytest.mark.parametrize("name", ["[bold]a.jpg", "\x1b[31ma.jpg", "a\rb.jpg", ":smile:.jpg", "데이터 ü😀.jpg"])
def test_names_are_printed_as_they_are_without_markup_or_control_codes(tmp_path: Path, name: str) -> None:
    root = generic(tmp_path, "a.jpg")
    image(root / name, 1)
    (root / name).write_bytes(b"no image")
    (root / "data.csv").write_text(f'path,label,group\na.jpg,[red]cat,p\n"{name}","{name}",p\n')
    text = printed(check(root), 100)
    shown = name if name.isprintable() else name.encode("unicode_escape").decode()
    assert text.count(shown) == 2  # as a class, and in the finding
    assert "[red]cat" in text
    assert not set(text) - {"\n"} & {chr(code) for code in range(32)}


def test_print_where_only_ascii_can_be_written(tmp_path: Path) -> None:
    root = generic(tmp_path, "ü.jpg")
    (root / "ü.jpg").write_bytes(b"no image")
    assert "\\xfc.jpg" in "".join(printed(check(root), encoding="ascii").split())  # a long path is broken


def test_a_thousand_sizes_are_printed_as_the_most_frequent_and_a_sum(tmp_path: Path) -> None:
    root = generic(tmp_path, *(f"{number}.jpg" for number in range(15)))
    for number in range(15):
        image(root / f"{number}.jpg", number, size=(10 + number, 8))
    assert re.search(r"^3 others +3 +0$", printed(check(root)), re.MULTILINE)
