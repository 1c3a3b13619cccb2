"""The two lanes of the campaigns, and the table of their figures.

RELIABILITY=full chooses the full lane (`make reliability`); without it the fast one is run, as part of `make test`.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest

FULL = os.environ.get("RELIABILITY") == "full"
CAMPAIGN = "campaign"


@pytest.fixture(scope="session")
def lane() -> Callable[[Any, Any], Any]:
    """`lane(fast, full)` is the value of this lane."""
    return lambda fast, full: full if FULL else fast


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`figures(campaign, text)` is a line of the table that ends the session."""
    return lambda campaign, text: request.node.user_properties.append((CAMPAIGN, (campaign, text)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the campaigns came to; the lines travel with the tests' reports, from whichever process ran them."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    lines = [value for report in reports for name, value in report.user_properties if name == CAMPAIGN]
    if lines:
        terminalreporter.section(f"reliability, {'full' if FULL else 'fast'} lane")
        for campaign, text in sorted(map(tuple, lines)):
            terminalreporter.write_line(f"{campaign:28}  {text}")
