"""Borrows the OpenTelemetry SDK of the telemetry tests."""

from tests.unit.telemetry.conftest import spans

__all__ = ["spans"]
