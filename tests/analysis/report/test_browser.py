"""The report as a reader uses it, in a real browser: every test ends with a silent console and no request made."""

from collections import Counter
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from analysis.report.report import Written
from benchmarks.simulated_runs import Trial
from data.labels import CLASS_NAMES
from runners.run_folder import latest_finished
from runners.state import read_arrays

OpenReport = Callable[..., Page]


def shown(page: Page, selector: str) -> Locator:
    """Elements of the run that is picked."""
    return page.locator(f".of-run:not([hidden]) {selector}")


def cell(page: Page, factor: str, truth: int, answer: int) -> Locator:
    return shown(page, f'button[data-factor="{factor}"][data-truth="{truth}"][data-answer="{answer}"]')


def listed(page: Page) -> list[tuple[str, str]]:
    """(person, image) of the images behind the cell that is open."""
    rows = shown(page, ".behind .image")
    return [(row.locator("bdi").nth(1).inner_text(), row.locator("bdi").first.inner_text()) for row in rows.all()]


def picked(page: Page) -> str:
    return page.locator(".picker select").first.evaluate("select => select.selectedOptions[0].text").split(",")[0]


@pytest.fixture
def predictions(reported: Trial) -> Callable[[str], list[tuple[str, str, int, int, float]]]:
    """(person, image without its person, target, predicted, probability) of a run by its name, from its files."""

    def read(name: str) -> list[tuple[str, str, int, int, float]]:
        run = latest_finished(reported.runs, name)
        assert run is not None
        arrays = read_arrays(run.oof)
        return [
            (str(person), str(image).removeprefix(f"{person}/"), int(target), int(row.argmax()), float(row.max()))
            for person, image, target, row in zip(
                arrays["persons"], arrays["image_ids"], arrays["targets"], arrays["probabilities"], strict=True
            )
        ]

    return read


def test_a_click_shows_the_images_behind_a_cell(
    open_report: OpenReport, plain_report: Written, predictions: Callable[[str], list[tuple[str, str, int, int, float]]]
) -> None:
    page = open_report(plain_report.path)
    of_run = predictions(picked(page))
    most = Counter((target, answer) for _, _, target, answer, _ in of_run).most_common()
    mistake, count = next((pair, count) for pair, count in most if pair[0] != pair[1])
    right = next(pair for pair, _ in most if pair[0] == pair[1])
    assert count > 1
    for truth, answer in (mistake, right):
        cell(page, "class", truth, answer).click()
        expected = [
            (probability, person, image) for person, image, *pair, probability in of_run if pair == [truth, answer]
        ]
        assert sorted(listed(page)) == sorted((person, image) for _, person, image in expected)
        title = shown(page, ".behind h3").inner_text()
        assert CLASS_NAMES[truth] in title and f"{len(expected)} of" in title
        percents = [
            int(text.removesuffix("\u00a0%")) for text in shown(page, ".behind .image .number").all_inner_texts()
        ]
        assert percents == sorted(percents, reverse=truth != answer)  # the surest mistake first
        assert percents == sorted((round(100 * each[0]) for each in expected), reverse=truth != answer)


def test_a_click_on_a_factor_gathers_the_images_of_all_its_classes(
    open_report: OpenReport, plain_report: Written, predictions: Callable[[str], list[tuple[str, str, int, int, float]]]
) -> None:
    page = open_report(plain_report.path)
    of_run = predictions(picked(page))
    expected = sorted(
        (person, image) for person, image, target, answer, _ in of_run if target // 3 % 2 == 1 and answer // 3 % 2 == 0
    )  # women taken for men
    cell(page, "gender", 1, 0).click()
    assert sorted(listed(page)) == expected and expected


def test_an_image_opens_all_images_of_its_person(open_report: OpenReport, plain_report: Written) -> None:
    page = open_report(plain_report.path)
    cell(page, "mask", 0, 0).click()
    person, image = listed(page)[0]
    row = shown(page, ".behind .image").first
    row.click()
    expect(row).to_have_attribute("aria-expanded", "true")
    strip = shown(page, ".behind .strip > li")
    expect(strip).to_have_count(7)
    expect(shown(page, ".behind .strip > li.shown")).to_contain_text(image)
    row.click()
    expect(strip).to_have_count(0)
    expect(shown(page, ".behind .image")).not_to_have_count(0)


def test_long_lists_come_in_pieces(open_report: OpenReport, plain_report: Written) -> None:
    page = open_report(plain_report.path)
    button = cell(page, "mask", 0, 0)
    count = int(button.inner_text())
    assert count > 50
    button.click()
    expect(shown(page, ".behind .image")).to_have_count(50)
    shown(page, ".behind .plain:not(.close)").click()
    expect(shown(page, ".behind .image")).to_have_count(min(count, 100))


def test_a_matrix_is_one_tab_stop_and_its_cells_are_reached_by_arrows(
    open_report: OpenReport, plain_report: Written
) -> None:
    page = open_report(plain_report.path)
    assert shown(page, 'table[aria-label*="gender:"] button[tabindex="0"]').count() == 1
    cell(page, "gender", 0, 0).focus()
    expected = [(0, 1), (1, 1), (1, 0), (0, 0)]
    for key, (truth, answer) in zip(("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"), expected, strict=True):
        page.keyboard.press(key)
        expect(cell(page, "gender", truth, answer)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(cell(page, "gender", 0, 0)).to_be_focused()  # there is nothing above
    assert shown(page, 'table[aria-label*="gender:"] button[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    expect(shown(page, ".behind h3")).to_be_focused()
    expect(cell(page, "gender", 0, 0)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(cell(page, "gender", 0, 0)).to_be_focused()
    expect(shown(page, ".behind .image")).to_have_count(0)


def test_tables_sort_by_number_and_by_word(open_report: OpenReport, plain_report: Written) -> None:
    page = open_report(plain_report.path)
    table = shown(page, "table.sortable").first  # costs of the classes
    heading = table.locator("thead th", has_text="recall")
    column = heading.evaluate("heading => heading.cellIndex")

    def values() -> list[str]:
        return table.locator("tbody tr").evaluate_all(f"rows => rows.map(row => row.cells[{column}].textContent)")

    before = values()
    assert before != sorted(before, reverse=True)
    heading.get_by_role("button").click()
    assert values() == sorted(before, reverse=True)
    expect(heading).to_have_attribute("aria-sort", "descending")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert values() == sorted(before)
    expect(heading).to_have_attribute("aria-sort", "ascending")
    name = table.locator("thead th", has_text="class")
    name.get_by_role("button").click()
    names = table.locator("tbody th").all_inner_texts()
    assert names == sorted(names, key=CLASS_NAMES.index) and len(names) == len(before) > 10
    expect(heading).to_have_attribute("aria-sort", "none")


def test_the_colours_follow_the_system_until_the_switch_is_used(open_report: OpenReport, plain_report: Written) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        page = open_report(plain_report.path, color_scheme=scheme)
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert grounds["light"] != grounds["dark"]
    buttons = page.locator(".theme button")
    buttons.filter(has_text="Light").click()  # the system says dark
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds["light"]
    expect(buttons.filter(has_text="Light")).to_have_attribute("aria-pressed", "true")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds["light"]  # remembered
    buttons.filter(has_text="Auto").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds["dark"]


def test_one_run_at_a_time_is_gone_into(open_report: OpenReport, plain_report: Written) -> None:
    page = open_report(plain_report.path)
    pickers = page.locator(".picker select")
    assert pickers.count() == 2
    first = picked(page)
    assert [text.split(":")[0] for text in page.locator(".of-run:not([hidden]) h3.name-cell").all_inner_texts()] == [
        first
    ] * 2
    pickers.last.select_option(index=1)
    other = picked(page)
    assert other != first
    assert [text.split(":")[0] for text in page.locator(".of-run:not([hidden]) h3.name-cell").all_inner_texts()] == [
        other
    ] * 2


def test_without_scripts_everything_is_there_to_read(open_report: OpenReport, plain_report: Written) -> None:
    page = open_report(plain_report.path, java_script_enabled=False)
    expect(page.locator(".of-run").first).to_be_visible()
    assert page.locator(".of-run:visible").count() == 4  # two runs, in two sections
    assert not page.locator(".picker:visible, .theme:visible, .behind:visible").count()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(open_report: OpenReport, pictured_report: Written, width: int) -> None:
    page = open_report(pictured_report.path, width=width, height=800)
    cell(page, "mask", 0, 0).click()
    shown(page, ".behind .image").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("window.scrollTo(500, 0)")
    assert page.evaluate("window.scrollX") == 0
    expect(shown(page, ".behind h3")).to_be_visible()


def test_pictures_are_shown_where_they_were_asked_for(
    open_report: OpenReport, plain_report: Written, pictured_report: Written
) -> None:
    page = open_report(pictured_report.path)
    pictures = shown(page, ".mistake img")
    assert pictures.count() == shown(page, ".mistake .strip > li").count() > 0
    pictures.first.scroll_into_view_if_needed()
    assert pictures.first.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") > 20
    cell(page, "mask", 0, 0).click()
    assert shown(page, ".behind .image img").count() == 50
    assert not open_report(plain_report.path).locator("img").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_on_every_ground(open_report: OpenReport, plain_report: Written, scheme: str) -> None:
    """Contrast of 4.5 to 1 or more, as WCAG 2.2 asks (1.4.3): ordinary text and all shades of the matrices."""
    page = open_report(plain_report.path, color_scheme=scheme)
    found = page.evaluate(CONTRASTS)
    assert len(found) == 26
    assert {name: contrast for name, contrast in found.items() if contrast < 4.5} == {}


CONTRASTS = """() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = {};
  const table = document.querySelector(".matrix");
  for (const kind of ["right", "wrong"]) {
    for (let level = 1; level <= 10; level += 1) {
      const cell = table.tBodies[0].rows[0].insertCell();
      cell.className = `${kind} h${level}`;
      const style = getComputedStyle(cell);
      found[cell.className] = contrast(style.color, style.backgroundColor);
    }
  }
  for (const name of ["better", "worse", "quiet", "name-cell", "facts"]) {
    const text = document.querySelector("section").appendChild(document.createElement("p"));
    text.className = name;
    found[name] = contrast(getComputedStyle(text).color, getComputedStyle(text.parentElement).backgroundColor);
  }
  const chosen = getComputedStyle(document.querySelector('.theme [aria-pressed="true"]'));
  found.switch = contrast(chosen.color, chosen.backgroundColor);
  return found;
}"""
