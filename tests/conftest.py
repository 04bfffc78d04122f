"""Fixtures for every test, and how hypothesis and `pytest -n` behave here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.figures import figures, pytest_terminal_summary
from tests.support.telemetry_sdk import reader, spans

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["figures", "pytest_terminal_summary", "reader", "spans"]

# A child process that crashes says where.
os.environ.setdefault("PYTHONFAULTHANDLER", "1")

# A loaded machine is no failure: what takes too long is for pytest's own timeout.
settings.register_profile("arvo", deadline=None)
settings.load_profile("arvo")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape the lone surrogates that hostile input leaves in captured logs; `pytest -n` cannot send them."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report
