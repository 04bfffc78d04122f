"""The event: an immutable, typed CloudEvents envelope (SEMANTICS 1).

Its rules are in `rules.py`, applied in `checking.py`; what is out of the ordinary in a document is read in
`decoding.py`, and addresses are encoded in `creation.py`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypedDict, TypeVar, cast, overload

import msgspec
from msgspec import UNSET, Raw
from pydantic import BaseModel
from typing_extensions import Unpack

from arvo.events.bounds import MAX_EVENT_BYTES
from arvo.events.checking import complete_and_check
from arvo.events.data import ReadData, model_as_json, parse_data, read_data, write_data
from arvo.events.decoding import UNREADABLE, check_document_depth, document_bytes, members_of_json, members_of_mapping
from arvo.events.envelope import Envelope, Extensions, duplicate, held_data, held_extensions, hold_data
from arvo.events.json_text import format_json, js_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.events.frozen import JsonObject

__all__ = ["Changes", "Event"]

M = TypeVar("M", bound=BaseModel)
D_co = TypeVar("D_co", covariant=True)

_COMPACT: Final = -1
_NO_EXTENSIONS: Final[Extensions] = MappingProxyType({})


class Changes(TypedDict, total=False):
    """What `Event.replace` may change: everything but the data, for which there is `with_data`."""

    id: str
    source: str
    type: str
    subject: str
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


class Event(Envelope[D_co], Generic[D_co], frozen=True, kw_only=True, eq=False):
    """An immutable CloudEvents 1.0 envelope around `data`: a payload model or a JSON object.

    The constructor checks everything and encodes nothing; `create_event` encodes addresses first. What is not given:
    `id` is random, `time` is now, `to` is the type, `datacontenttype` is Arvo's. Raises InvalidEvent, with an issue for
    each attribute that is wrong.

    >>> event = Event(type="com.card.charge", source="com.web", subject="order/1", data={"cents": 100})
    >>> event.to, event.data["cents"]
    ('com.card.charge', 100)
    """

    def __post_init__(self) -> None:
        complete_and_check(self)

    @property  # type: ignore[misc]
    def data(self) -> D_co:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The payload model, or the JSON object as a read-only dict; raw JSON is parsed when it is first looked at.

        Raises InvalidEvent when raw JSON cannot be read (a number out of range).
        """
        held = held_data(self)
        if type(held) is Raw:
            seen = read_data(bytes(held))
            hold_data(self, seen)
            return cast("D_co", seen.view)
        if type(held) is ReadData:
            return cast("D_co", held.view)
        model: D_co = held
        return model

    @property
    def data_json(self) -> bytes:
        """The data as JSON, without parsing it when it came as JSON."""
        held = held_data(self)
        if type(held) is Raw:
            return bytes(held)
        return held.text if type(held) is ReadData else model_as_json(held)

    @property
    def model(self) -> BaseModel | None:
        """The data if it is a model, so that nobody needs to parse JSON in order to learn that it is none."""
        held = held_data(self)
        return held if isinstance(held, BaseModel) else None

    @property  # type: ignore[misc]
    def extensions(self) -> Extensions:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The custom extensions, read-only; empty when there are none."""
        held = held_extensions(self)
        return _NO_EXTENSIONS if held is UNSET else held

    @staticmethod
    def from_json(document: bytes | str, *, max_bytes: int = MAX_EVENT_BYTES) -> Event[JsonObject]:
        """The event in a JSON document, its data untouched until somebody looks.

        Attributes that may be null may be missing. A document that does not claim Arvo's content type may also leave
        out `time` (which becomes now) and `to` (which becomes the type), so that other CloudEvents are read.
        Raises InvalidEvent for everything else, hostile input included.
        """
        raw = document_bytes(document, max_bytes)
        try:
            event = _decoder.decode(raw)
        except UNREADABLE:
            # Extensions, attributes that are missing or of another type, or no JSON: found out in the general way.
            return Event(**members_of_json(raw))
        check_document_depth(raw)
        return cast("Event[JsonObject]", event)

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Event[JsonObject]:
        """The event in an already parsed JSON document; the same rules as for `from_json`."""
        return Event(**members_of_mapping(document))

    def to_json(self, *, indent: int | None = None) -> bytes:
        """The JSON document, on one line unless `indent` is given. Nulls are written, as the wire format has them.

        Raises InvalidEvent when the data, a model, turns out not to be a JSON object with finite numbers.
        """
        plain = held_extensions(self) is UNSET and not isinstance(self.executionunits, float)
        raw = _encoder.encode(self if plain else _wire_members(self, _spell))
        if indent is not None:
            return format_json(raw, indent)
        # Data that came with line breaks is kept as it came, but documents on one line are what streams are made of.
        came_as_json = not isinstance(held_data(self), BaseModel)
        return format_json(raw, _COMPACT) if came_as_json and (b"\n" in raw or b"\r" in raw) else raw

    def to_dict(self) -> dict[str, Any]:
        """The JSON document as plain values in wire order, all of them the caller's own; parses or writes the data.

        Raises InvalidEvent when raw JSON cannot be read, or a model not be written.
        """
        if held_extensions(self) is UNSET:
            members = msgspec.structs.asdict(self)
            del members["extensions"]
        else:
            members = _wire_members(self, _as_it_is)
        members["data"] = parse_data(self.data_json)
        return members

    @overload
    def with_data(self, data: M) -> Event[M]: ...
    @overload
    def with_data(self, data: Mapping[str, Any]) -> Event[JsonObject]: ...
    def with_data(self, data: BaseModel | Mapping[str, Any]) -> Event[Any]:
        """The same envelope around other data. The envelope is known to be sound and is not checked again."""
        event: Event[Any] = duplicate(self)
        hold_data(event, data if isinstance(data, BaseModel) else write_data(data))
        return event

    def replace(self, **changes: Unpack[Changes]) -> Event[D_co]:
        """The same event with some attributes changed, checked like a new one."""
        return msgspec.structs.replace(self, **changes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return self is other or (self.id == other.id and self.to_dict() == other.to_dict())

    def __ne__(self, other: object) -> bool:
        # Python derives it from __eq__, but a Struct has one of its own.
        return not self == other

    def __hash__(self) -> int:
        return hash(self.id)

    def __deepcopy__(self, memo: object) -> Event[D_co]:
        return self

    def __reduce__(self) -> tuple[Callable[[bytes, BaseModel | None], Event[Any]], tuple[bytes, BaseModel | None]]:
        return _restore, (self.to_json(), self.model)

    def __repr__(self) -> str:
        data = self.data_json.decode("utf-8", "replace")
        shown = data if len(data) <= 80 else f"{data[:77]}..."
        return f"Event(type={self.type!r}, id={self.id!r}, source={self.source!r}, to={self.to!r}, data={shown})"


def _restore(document: bytes, model: BaseModel | None) -> Event[Any]:
    """What unpickling calls; the document is one of ours, of any size."""
    event = Event.from_json(document, max_bytes=len(document))
    return event if model is None else event.with_data(model)


def _wire_members(event: Event[Any], spell: Callable[[Any], Any]) -> dict[str, Any]:
    """The members of the document in wire order, extensions included, with the data as it is held."""
    members: dict[str, Any] = {}
    for name in Envelope.__struct_fields__[:-1]:
        if name == "to":
            members.update({key: spell(value) for key, value in event.extensions.items()})
        members[name] = held_data(event) if name == "data" else getattr(event, name)
    members["executionunits"] = spell(event.executionunits)
    return members


def _as_it_is(value: Any) -> Any:
    return value


def _spell(value: Any) -> Any:
    return Raw(js_number(value).encode()) if isinstance(value, float) else value


def _encode_part(value: object) -> object:
    """What msgspec does not know: data that is not raw JSON, and subclasses of int and str."""
    if isinstance(value, BaseModel):
        return Raw(model_as_json(value))
    if isinstance(value, ReadData):
        return Raw(value.text)
    return int(value) if isinstance(value, int) else str.__str__(cast("str", value))


_encoder = msgspec.json.Encoder(enc_hook=_encode_part)
_decoder = msgspec.json.Decoder(Event[Raw])
