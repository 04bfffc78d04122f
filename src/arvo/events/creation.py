"""The factory for events at the edge of a system, where addresses may not be encoded yet.

Events made from other events have their addresses encoded already: those use the `Event` constructor, since encoding
twice spoils an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Required, TypedDict, TypeVar, overload

from pydantic import BaseModel
from typing_extensions import Unpack

from arvo.errors import InvalidEvent, Issue
from arvo.events.event import Event
from arvo.events.uri import encode_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.events.envelope import Extensions
    from arvo.events.frozen import JsonObject

__all__ = ["Attributes", "create_event"]

M = TypeVar("M", bound=BaseModel)

_ADDRESSES: Final = ("source", "subject", "dataschema", "to", "redirectto", "parentid")


class Attributes(TypedDict, total=False):
    """What `create_event` takes besides the data."""

    type: Required[str]
    source: Required[str]
    subject: Required[str]
    id: str
    specversion: str
    datacontenttype: str
    dataschema: str | None
    time: str
    to: str | None
    accesscontrol: str | None
    redirectto: str | None
    executionunits: int | float | None
    traceparent: str | None
    tracestate: str | None
    parentid: str | None
    domain: str | None
    extensions: Extensions


@overload
def create_event(*, data: M, **attributes: Unpack[Attributes]) -> Event[M]: ...
@overload
def create_event(*, data: Mapping[str, Any], **attributes: Unpack[Attributes]) -> Event[JsonObject]: ...
def create_event(*, data: BaseModel | Mapping[str, Any], **attributes: Unpack[Attributes]) -> Event[Any]:
    """A checked event whose addresses are URI-encoded from what is given; `Event` says what is made up when left out.

    Encodes `source`, `subject`, `to`, `redirectto`, `dataschema` and `parentid`: give them as they read, not encoded
    already. Blanks around `id` are dropped. Raises InvalidEvent.

    >>> create_event(type="com.card.charge", source="my shop", subject="order/1", data={}).source
    'my%20shop'
    """
    given: dict[str, Any] = {**attributes}
    # What is no string is left for the constructor to refuse, together with everything else that is wrong.
    for name in _ADDRESSES:
        if isinstance(given.get(name), str):
            given[name] = _encoded(name, given[name])
    if isinstance(given.get("id"), str):
        given["id"] = given["id"].strip()
    if given.get("to") is None:
        given.pop("to", None)
    return Event(data=data, **given)


def _encoded(name: str, value: str) -> str:
    try:
        return encode_uri(value)
    except InvalidEvent as error:
        issue = Issue((name,), error.message, "malformed_uri")
        raise InvalidEvent(f"'{name}' cannot be encoded: {error.message}", issues=[issue]) from error
