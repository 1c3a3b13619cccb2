import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # rich brings it

from analysis.comparison.markdown import cell, table

HOSTILE = [
    "a|b",
    "a\\|b",
    "`code`",
    "**bold** *it* _it_ __b__ ~~gone~~",
    "<script>alert(1)</script>",
    "<b onclick=x>",
    "&lt;&#60;",
    "[text](http://evil)",
    "![picture](http://evil)",
    "<http://evil>",
    "\\",
    "a\nb\r\n| c | d |",
    "| --- |",
    "x\x00\x1b[31my",
    "snake_case_name",
    "_private_",
    "$x^2$",
    "# no heading",
    "- no list",
    "1. no list",
    "> no quote",
    "[^1]",
    "a\u202eb",
    "",
    "  ",
]


def shown(text: str) -> str:
    """What a reader sees in the only cell of a rendered table."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(table(["x", "y"], [[cell(text), "end"]]))
    kinds = [token.type for token in tokens]
    assert kinds.count("tr_open") == 2 and kinds.count("td_open") == 2 and kinds[0] == "table_open"
    inside = next(token for token, before in zip(tokens[1:], tokens, strict=False) if before.type == "td_open")
    assert {child.type for child in inside.children or []} <= {"text", "text_special"}
    assert tokens[kinds.index("td_open") + 4].content == "end"
    return "".join(child.content for child in inside.children or []).replace("\u200b", "")


def one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == one_line(text)


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="\u200b") | st.sampled_from("|\\`*_[]<>&$#~!\n-:@"), max_size=30
    )
)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    assert shown(text) == one_line(text)


@pytest.mark.parametrize(
    "text",
    ["http://evil.org", "ftp://evil.org", "www.evil.org", "WWW.evil.org", "me@evil.org", "@someone", "#12", ":tada:"],
)
def test_what_a_site_would_make_a_link_of_falls_apart(text: str) -> None:
    seen = html.unescape(cell(text))
    assert seen.replace("\u200b", "") == text
    assert not re.search(r"://|www\.|@\w|#\w|:\w+:", seen, re.IGNORECASE)


def test_plain_words_stay_readable() -> None:
    for text in ("focal_kfold", "Does it help (60+)? 12:30, 0.45 +- 0.01, a -> b", "lr=0.003; SGD(momentum=0.9)"):
        assert cell(text) == text


def test_a_table_has_a_rule_below_its_columns() -> None:
    assert table(["a", "b"], [["1", "2"]], right=["b"]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"
