"""The fields of an event, in wire order, and the few ways to reach them that get past the frozen surface.

Only their neighbours in this package come in here; everybody else sees `Event`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET

__all__ = [
    "LATER",
    "Envelope",
    "ExtensionValue",
    "Extensions",
    "duplicate",
    "force",
    "held_data",
    "held_extensions",
    "hold_data",
    "hold_extensions",
]

ExtensionValue: TypeAlias = str | int | float | bool | None
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Extensions: TypeAlias = Mapping[str, ExtensionValue]
else:
    # No JSON decodes to this, so a document cannot reach the field that holds the extensions.
    Extensions = MappingProxyType

D_co = TypeVar("D_co", covariant=True)

# An attribute that was not given. The type checker need not know, since it is gone when the constructor returns.
LATER: Final[Any] = UNSET


class Envelope(msgspec.Struct, Generic[D_co], frozen=True, kw_only=True, eq=False, forbid_unknown_fields=True):
    """The fields of an event in wire order, so that encoding is one call. `Event` shows two of them in another form."""

    id: str = LATER
    source: str
    specversion: str = LATER
    type: str
    subject: str
    datacontenttype: str = LATER
    dataschema: str | None = None
    data: D_co
    time: str = LATER
    to: str | None = LATER
    accesscontrol: str | None = None
    redirectto: str | None = None
    executionunits: int | float | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    parentid: str | None = None
    domain: str | None = None
    extensions: Extensions = msgspec.field(default=LATER, name="$extensions")


# The slots themselves: `Event` shows these two fields in another form, under the same names.
held_data: Callable[[Envelope[Any]], Any] = Envelope.__dict__["data"].__get__
hold_data: Callable[[Envelope[Any], Any], None] = Envelope.__dict__["data"].__set__
held_extensions: Callable[[Envelope[Any]], Any] = Envelope.__dict__["extensions"].__get__
hold_extensions: Callable[[Envelope[Any], Any], None] = Envelope.__dict__["extensions"].__set__
duplicate: Callable[[Envelope[Any]], Any] = Envelope.__copy__  # type: ignore[attr-defined]
force: Callable[[Envelope[Any], str, Any], None] = msgspec.structs.force_setattr
