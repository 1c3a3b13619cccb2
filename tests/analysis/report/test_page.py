import base64
import hashlib
import re
from pathlib import Path

import pytest

from analysis.report.page import SCRIPTS, TEMPLATES, content_policy
from analysis.report.report import Written


def sha256(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_the_policy_allows_this_style_and_this_script_and_pictures_within_the_page(plain_report: Written) -> None:
    page = plain_report.path.read_text(encoding="utf-8")
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page)
    (style,), (script,) = (re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("style", "script"))
    rules = dict(rule.split(" ", 1) for rule in policy.replace("&#39;", "'").split("; "))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'{sha256(style)}'",
        "script-src": f"'{sha256(script)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert policy.replace("&#39;", "'") == content_policy(style, script)
    assert page.index("Content-Security-Policy") < page.index("<style>")  # a policy holds from where it stands


def test_the_page_names_no_address(plain_report: Written, pictured_report: Written) -> None:
    for report in (plain_report, pictured_report):
        page = report.path.read_text(encoding="utf-8")
        assert not re.findall(r"https?:|//www|url\(|@import|src=", page)
        assert {link for link in re.findall(r'href="([^"]*)"', page) if not link.startswith("#")} == set()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_never_turn_text_into_markup(name: str) -> None:
    script = (TEMPLATES / name).read_text(encoding="utf-8")
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setTimeout|DOMParser|srcdoc"
    assert not re.findall(sinks, script)
    assert not re.findall(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(", script)


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_templates_never_switch_escaping_off(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    assert not re.findall(r"\|\s*(safe|tojson)|autoescape|style=|\son[a-z]+=", source)
