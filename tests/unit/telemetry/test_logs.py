"""Logging is quiet by default, and its records can carry the trace they belong to."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from arvo.telemetry import TraceContextFilter, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def logger(lines: list[str]) -> Iterator[logging.Logger]:
    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Collect()
    handler.addFilter(TraceContextFilter())
    handler.setFormatter(logging.Formatter("%(message)s [%(trace_id)s %(span_id)s %(trace_flags)s]"))
    logger = logging.getLogger("arvo.tests")
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def test_records_carry_the_span_they_were_logged_in(
    spans: InMemorySpanExporter, logger: logging.Logger, lines: list[str]
) -> None:
    with span("work") as current:
        logger.warning("inside")
    logger.warning("outside")

    context = current.get_span_context()
    assert lines == [
        f"inside [{context.trace_id:032x} {context.span_id:016x} {context.trace_flags:02x}]",
        "outside [  ]",
    ]
    assert len(spans.get_finished_spans()) == 1


def test_records_pass_without_an_sdk(logger: logging.Logger, lines: list[str]) -> None:
    with span("work"):
        logger.warning("inside")

    assert lines == ["inside [  ]"]


def test_warnings_do_not_reach_the_terminal_of_a_program_without_logging() -> None:
    program = "import logging, arvo.telemetry; logging.getLogger('arvo.runtime').warning('noise')"
    ended: Any = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)

    assert (ended.stdout, ended.stderr) == ("", "")
