"""Whether anything records, found out for nearly nothing, and what records then.

OpenTelemetry's no-op objects cost microseconds for every span and measurement; looking at whether a provider was set
costs a fraction of one. Nothing is remembered, so an SDK that is configured later is noticed at once.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.metrics import get_meter_provider
from opentelemetry.trace import get_tracer_provider

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

__all__ = ["meter", "tracer"]

# The public functions take 3 us, most of it to look for an environment variable. These calls look once, as every
# instrumented library does when it asks for its tracer; from then on the variables behind the functions tell all.
# Should a release of the API keep them elsewhere, then "set" is assumed, which is slower but right.
get_tracer_provider()
get_meter_provider()
_trace_state = get_tracer_provider.__globals__.get
_meter_state = get_meter_provider.__globals__.get


def tracer() -> Tracer | None:
    """Return the tracer for Arvo's spans, or None while no provider is set."""
    if _trace_state("_TRACER_PROVIDER", True) is None:
        return None
    return _tracer_of(get_tracer_provider())


def meter() -> Meter | None:
    """Return the meter for Arvo's instruments, or None while no provider is set."""
    if _meter_state("_METER_PROVIDER", True) is None:
        return None
    return _meter_of(get_meter_provider())


@lru_cache(maxsize=4)
def _tracer_of(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("arvo", version("arvo-event-handler"))


@lru_cache(maxsize=4)
def _meter_of(provider: MeterProvider) -> Meter:
    return provider.get_meter("arvo", version("arvo-event-handler"))
