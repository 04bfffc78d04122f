"""Figures that tests want seen when all is well, too: printed when the run ends, under `pytest -n` as well."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.terminal import TerminalReporter

__all__ = ["Figures", "figures", "pytest_terminal_summary"]

_SAID, _COUNTED = "figures said", "figures counted: "


class Figures:
    """What one test has to tell."""

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record = record

    def say(self, line: str) -> None:
        """Print a line."""
        self._record(_SAID, line)

    def count(self, what: str, number: int) -> None:
        """Print the sum over all tests."""
        self._record(_COUNTED + what, number)


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Figures:
    """Tells something at the end of the run."""
    return Figures(record_property)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print what was told: properties of tests come through from the processes of `pytest -n`, output does not."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    properties = [each for report in reports if report.when == "call" for each in report.user_properties]
    said = [str(value) for name, value in properties if name == _SAID]
    counts: Counter[str] = Counter()
    for name, value in properties:
        if name.startswith(_COUNTED):
            counts[name.removeprefix(_COUNTED)] += int(str(value))
    if said or counts:
        terminalreporter.section("Figures")
    for line in (*said, *(f"{count} {what}" for what, count in sorted(counts.items()))):
        terminalreporter.line(line)
