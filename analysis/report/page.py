"""The page: templates, style and script put into one file that asks for nothing and lets nothing else run."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("theme.js", "tables.js", "runs.js", "images.js", "matrices.js")

# HTML has no place for these, even escaped; a parser drops or replaces them, each in its own way.
CONTROLS = {code: "�" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}


def render_page(context: Mapping[str, Any], images: Markup) -> bytes:
    """The page as UTF-8; `context` holds what the templates name, text that is escaped there; `images` JSON.

    Text that UTF-8 can't write (a file name that is no text) is written with backslashes.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    style, script = _own("page.css"), Markup("\n").join(_own(name) for name in SCRIPTS)
    page = environment.get_template("page.html").render(
        **context,
        images=images,
        style=style,
        script=script,
        policy=content_policy(style, script),
    )
    return page.translate(CONTROLS).encode("utf-8", "backslashreplace")


def content_policy(style: str, script: str) -> str:
    """Content-Security-Policy: this very style, this very script, pictures that are part of the page, nothing else.

    With Trusted Types no script can turn text into markup. A policy in a file can't speak of frames: frame-ancestors is
    for servers. https://www.w3.org/TR/CSP3/
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _own(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704  (the project's own file)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
