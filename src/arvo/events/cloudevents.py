"""Events to and from the event type of the `cloudevents` package, for its HTTP and other bindings (that extra).

Only the conversion lives here; encoding and sending are that package's.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from arvo.errors import InvalidEvent, Issue
from arvo.events.event import Event
from arvo.events.json_text import MalformedJsonError, parse_json

try:
    from cloudevents.core.v1.event import CloudEvent
except ImportError as error:
    raise ImportError(
        "arvo.events.cloudevents needs the package 'cloudevents', version 2 or later. "
        "Install it with: pip install 'arvo-event-handler[cloudevents]'"
    ) from error

if TYPE_CHECKING:
    from cloudevents.core.base import BaseCloudEvent

    from arvo.events.frozen import JsonObject

__all__ = ["from_cloudevent", "to_cloudevent"]

_json_number: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?").fullmatch


def to_cloudevent(event: Event[Any]) -> CloudEvent:
    """The event as a CloudEvent of that package, its data as plain JSON values; attributes that are null are left out.

    Receivers of HTTP's *binary* mode take Arvo's content type for that of the structured mode. Send such events in
    structured mode, or `event.replace(datacontenttype="application/json")` first.
    Raises InvalidEvent for a time that Python's datetime cannot hold, like the year 0.
    """
    attributes = {name: value for name, value in event.to_dict().items() if value is not None}
    data = attributes.pop("data")
    try:
        attributes["time"] = datetime.fromisoformat(event.time)
    except ValueError as error:
        message = f"{event.time!r} cannot be told as a datetime ({error})"
        raise InvalidEvent(
            f"The time of event {event.id!r}, {message}.", issues=[Issue(("time",), message, "invalid")]
        ) from error
    return CloudEvent(attributes, data)


def from_cloudevent(cloudevent: BaseCloudEvent, *, subject: str | None = None) -> Event[JsonObject]:
    """The CloudEvent as an event of ours, checked like any other; raises InvalidEvent.

    `subject` is for CloudEvents that have none, since events of ours must. Bindings that carry every attribute as text
    lose the types of extensions; of these, `executionunits` is read as the number it spells.
    """
    document = dict(cloudevent.get_attributes())
    time = document.get("time")
    if isinstance(time, datetime):
        # Milliseconds, as events of ours have them, unless that would drop something.
        document["time"] = time.isoformat(timespec="microseconds" if time.microsecond % 1000 else "milliseconds")
    if document.get("subject") is None and subject is not None:
        document["subject"] = subject
    units = document.get("executionunits")
    if isinstance(units, str) and (found := _json_number(units)):
        document["executionunits"] = float(units) if found[1] or found[2] else int(units)
    return Event.from_dict({**document, "data": _parsed(cloudevent.get_data())})


def _parsed(data: object) -> object:
    """Data that the package left as text or bytes is JSON all the same, or no data of ours."""
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if not isinstance(data, bytes):
        return data
    try:
        return parse_json(data)
    except MalformedJsonError as error:
        message = f"is not JSON ({error})"
        raise InvalidEvent(
            f"The data of the event {message}.", issues=[Issue(("data",), message, "not_json")]
        ) from error
