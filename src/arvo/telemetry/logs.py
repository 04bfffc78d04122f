"""Logging goes through the standard library under the logger `arvo`: quiet by default, and correlated on request."""

from __future__ import annotations

import logging

from opentelemetry.trace import format_span_id, format_trace_id

from arvo.telemetry.spans import current_span

__all__ = ["TraceContextFilter"]

# Keeps Python from printing our warnings to stderr in programs that have not configured logging.
logging.getLogger("arvo").addHandler(logging.NullHandler())


class TraceContextFilter(logging.Filter):
    """Adds `trace_id`, `span_id` and `trace_flags` to every record, as OpenTelemetry names them; empty without a span.

    Filters of a logger do not see what its children log, so add it to handlers:

        handler = logging.StreamHandler()
        handler.addFilter(TraceContextFilter())
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s trace=%(trace_id)s"))
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with the identifiers of the span in which it was logged."""
        context = current_span().get_span_context()
        valid = context.is_valid
        record.trace_id = format_trace_id(context.trace_id) if valid else ""
        record.span_id = format_span_id(context.span_id) if valid else ""
        record.trace_flags = f"{context.trace_flags:02x}" if valid else ""
        return True
