from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from analysis.report.svg import chart, element, number, polyline, shortened, words

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"))


@given(TEXTS, TEXTS)
def test_any_text_comes_back_as_text(text: str, value: str) -> None:
    read = ElementTree.fromstring(element("text", {"aria-label": value}, text))  # noqa: S314 - our own words
    assert (read.text or "") == text and read.get("aria-label") == value and len(read) == 0


def test_elements_nest_and_attributes_of_none_are_left_out() -> None:
    inner = element("title", None, "a < b")
    assert element("g", {"class": "x", "id": None}, inner, "&") == Markup(
        '<g class="x"><title>a &lt; b</title>&amp;</g>'
    )


def test_words_and_lines_carry_their_hint() -> None:
    assert "<title>all of it</title>" in words(1, 2, "all…", hint="all of it")
    assert polyline([(0.0, 1.234), (10.0, 2.0)], "curve", "fold 1") == (
        '<polyline points="0,1.23 10,2" class="curve"><title>fold 1</title></polyline>'
    )


def test_a_chart_speaks_to_those_who_do_not_see_it() -> None:
    read = ElementTree.fromstring(chart(100, 50.5, "What is in it", [element("g")], "kind"))  # noqa: S314
    assert (read.get("role"), read.get("aria-label"), read.get("viewBox")) == ("img", "What is in it", "0 0 100 50.5")


@pytest.mark.parametrize(
    ("value", "text"), [(12.0, "12"), (12.504, "12.5"), (0.0, "0"), (100.0, "100"), (-3.14159, "-3.14")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_long_names_are_cut_with_an_ellipsis() -> None:
    assert (shortened("abcdef", 6), shortened("abcdefg", 6)) == ("abcdef", "abcde…")
