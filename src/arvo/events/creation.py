"""The factory for events at the edge of a system, where addresses may not be encoded yet.

Events made from other events have their addresses encoded already: those use the `Event` constructor, since encoding
twice spoils an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from arvo.errors import InvalidEvent, Issue
from arvo.events.envelope import LATER
from arvo.events.event import Event
from arvo.events.uri import encode_uri

if TYPE_CHECKING:
    from arvo.events.envelope import Extensions

__all__ = ["create_event"]

D = TypeVar("D")


def create_event(
    *,
    type: str,
    source: str,
    subject: str,
    data: D,
    id: str = LATER,
    specversion: str = LATER,
    datacontenttype: str = LATER,
    dataschema: str | None = None,
    time: str = LATER,
    to: str | None = None,
    accesscontrol: str | None = None,
    redirectto: str | None = None,
    executionunits: int | float | None = None,
    traceparent: str | None = None,
    tracestate: str | None = None,
    parentid: str | None = None,
    domain: str | None = None,
    extensions: Extensions = LATER,
) -> Event[D]:
    """A checked event whose addresses are URI-encoded from what is given; `Event` says what is made up when left out.

    Encodes `source`, `subject`, `to`, `redirectto`, `dataschema` and `parentid`: give them as they read, not encoded
    already. Blanks around `id` are dropped. Raises InvalidEvent.

    >>> create_event(type="com.card.charge", source="my shop", subject="order/1", data={}).source
    'my%20shop'
    """
    return Event(
        id=_trimmed(id),
        source=_encoded("source", source),
        specversion=specversion,
        type=type,
        subject=_encoded("subject", subject),
        datacontenttype=datacontenttype,
        dataschema=_encoded("dataschema", dataschema),
        data=data,
        time=time,
        to=LATER if to is None else _encoded("to", to),
        accesscontrol=accesscontrol,
        redirectto=_encoded("redirectto", redirectto),
        executionunits=executionunits,
        traceparent=traceparent,
        tracestate=tracestate,
        parentid=_encoded("parentid", parentid),
        domain=domain,
        extensions=extensions,
    )


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _encoded(name: str, value: Any) -> Any:
    # What is no string is left for the constructor to refuse, together with everything else that is wrong.
    if not isinstance(value, str):
        return value
    try:
        return encode_uri(value)
    except InvalidEvent as error:
        raise InvalidEvent(
            f"'{name}' cannot be encoded: {error.message}", issues=[Issue((name,), error.message, "malformed_uri")]
        ) from error
