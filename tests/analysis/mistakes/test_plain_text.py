"""Names in pictures: nothing moves a line or is cut without a sign."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.mistakes.plain_text import printable, shortened


@given(st.text(max_size=80), st.integers(3, 40))
def test_a_name_prints_on_one_line_of_so_many_letters(text: str, most: int) -> None:
    shown = shortened(text, most)
    assert shown.isprintable() and len(shown) <= most
    assert shown == printable(text) or "…" in shown


def test_a_long_name_keeps_both_ends_and_control_codes_become_escapes() -> None:
    assert shortened("images/a_very_long_name_0001.jpg", 15) == "images/…001.jpg"
    assert printable("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert printable("데이터 $x$ ü") == "데이터 $x$ ü"
