"""Telemetry tells cheaply that no SDK is configured, and finds one that comes later or from the environment."""

from __future__ import annotations

import subprocess
import sys

from opentelemetry import metrics, trace


def test_the_variables_that_tell_whether_a_provider_is_set_are_where_they_are_expected() -> None:
    # If these fail after an upgrade of the API, telemetry still works but has become slow: adapt `provider.py`.
    assert trace.get_tracer_provider.__globals__["_TRACER_PROVIDER"] is None
    assert metrics.get_meter_provider.__globals__["_METER_PROVIDER"] is None


def test_an_sdk_configured_after_import_and_after_first_use_is_found() -> None:
    output = run("""
        import arvo.telemetry as telemetry
        with telemetry.span("before") as before:
            pass
        from opentelemetry import metrics, trace
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        with telemetry.span("after") as after:
            pass
        print(before.is_recording(), after.get_span_context().is_valid, telemetry.is_measured())
        metrics.set_meter_provider(MeterProvider())
        print(telemetry.is_measured())
    """)
    assert output == "False True False\nTrue\n"


def test_a_provider_named_in_the_environment_is_found() -> None:
    output = run("""
        import os
        os.environ["OTEL_PYTHON_TRACER_PROVIDER"] = "sdk_tracer_provider"
        os.environ["OTEL_PYTHON_METER_PROVIDER"] = "sdk_meter_provider"
        import arvo.telemetry as telemetry
        with telemetry.span("work") as current:
            print(current.is_recording(), telemetry.is_measured())
    """)
    assert output == "True True\n"


def run(program: str) -> str:
    lines = [line.removeprefix(" " * 8) for line in program.strip("\n").splitlines()]
    ended = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
