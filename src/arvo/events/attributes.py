"""What telemetry says about an event: flat attributes, as the TypeScript packages name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from arvo.events.event import Event

__all__ = ["telemetry_attributes"]

_ABSENT: Final = "N/A"


def telemetry_attributes(event: Event[Any]) -> dict[str, str | int | float]:
    """The span attributes of an event; absent ones read `N/A`. Costs a microsecond: ask only for spans that record."""
    return {
        "cloudevents.event_id": event.id,
        "cloudevents.event_source": event.source,
        "cloudevents.event_spec_version": event.specversion,
        "cloudevents.event_subject": event.subject,
        "cloudevents.event_type": event.type,
        "cloudevents.event_time": event.time,
        "cloudevents.event_datacontenttype": event.datacontenttype,
        "cloudevents.event_dataschema": event.dataschema or _ABSENT,
        "cloudevents.arvo.event_redirectto": event.redirectto or _ABSENT,
        "cloudevents.arvo.event_to": event.to or _ABSENT,
        "cloudevents.arvo.event_executionunits": _ABSENT if event.executionunits is None else event.executionunits,
        "cloudevents.arvo.event_parentid": event.parentid or _ABSENT,
        "cloudevents.arvo.event_domain": event.domain or _ABSENT,
    }
