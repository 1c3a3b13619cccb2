"""SVG elements as text: every attribute and every word is escaped, numbers are short."""

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

Attribute = str | float | None


def element(name: str, attributes: Mapping[str, Attribute] | None = None, *children: str) -> Markup:
    """One element; children that are Markup stand as they are, other text is escaped. Attributes of None are left out.

    `name` and the attributes' names are the program's own words, never a user's.
    """
    given = "".join(f' {key}="{_written(value)}"' for key, value in (attributes or {}).items() if value is not None)
    inside = "".join(escape(child) for child in children)
    return Markup(f"<{name}{given}>{inside}</{name}>")  # noqa: S704  (each part is escaped above)


def chart(width: float, height: float, label: str, children: Iterable[Markup], kind: str) -> Markup:
    """A whole picture of that many units, with a sentence for those who can't see it; `kind` is its CSS class."""
    attributes: dict[str, Attribute] = {
        "class": f"chart {kind}",
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "width": width,
        "height": height,
        "role": "img",
        "aria-label": label,
    }
    return element("svg", attributes, *children)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line."""
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": kind})


def words(x: float, y: float, text: str, kind: str = "", anchor: str | None = None, hint: str = "") -> Markup:
    """Text from a point on its baseline, by `anchor` around ("middle") or up to it ("end"); `hint` shows on hover."""
    hints = [element("title", None, hint)] if hint else []
    return element("text", {"x": x, "y": y, "class": kind or None, "text-anchor": anchor}, text, *hints)


def polyline(points: Sequence[tuple[float, float]], kind: str, hint: str = "") -> Markup:
    """A line through points; `hint` is shown on hover."""
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return element("polyline", {"points": path, "class": kind}, *([element("title", None, hint)] if hint else []))


def number(value: float) -> str:
    """A coordinate with at most two decimals: "12", "12.5"."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def shortened(text: str, length: int) -> str:
    """Text cut to `length` letters, the last of them an ellipsis where something was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _written(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else number(value)
