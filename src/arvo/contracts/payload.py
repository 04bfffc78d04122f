"""Payload classes: the typed data of events. A class is the handle of its wire type, so that types and values agree.

How a payload is read from the wire is in `reading.py`; which contract carries it is in `version.py`.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping  # noqa: TC003 - Pydantic looks it up
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeAlias, TypeVar, overload

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from arvo.contracts.naming import check_event_type

__all__ = ["OneOf", "Payload", "PayloadClass", "ServiceError", "WithParentSubject", "one_of"]


class Payload(BaseModel):
    """Immutable event data, for example `class CardCharged(Payload, event_type="evt.card.charged"): charge_id: str`.

    Values are strict, as on every other side of the wire: `"5"` and `true` are no integers. Unknown fields are
    ignored on input. Aliases are the wire names; Python code may use either name. Configuration can be given as
    class arguments (`alias_generator=to_camel`, `extra="forbid"`).
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        protected_namespaces=(),
    )

    event_type: ClassVar[str | None] = None
    """The wire type of an emitted payload; `None` where the contract gives the type."""

    imported_schema: ClassVar[Mapping[str, Any] | None] = None
    """The JSON Schema that this very class was made from; a subclass of it is described anew."""

    def __init_subclass__(cls, *, event_type: str | None = None, **config: Any) -> None:
        super().__init_subclass__(**config)
        cls.imported_schema = None
        if event_type is not None:
            check_event_type(event_type, "event_type")
            cls.event_type = event_type

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed. Unlike Pydantic's own, it raises ValidationError when they do not fit.

        A payload that exists is taken to be valid everywhere, so there must be no way around that.
        """
        copy = super().model_copy(update=update, deep=deep)
        if update:
            self.__pydantic_validator__.validate_python({**copy.__dict__, **(copy.__pydantic_extra__ or {})})
        return copy


MAX_ERROR_MESSAGE_CHARACTERS = 4 * 1024
MAX_ERROR_STACK_CHARACTERS = 16 * 1024


class ServiceError(Payload, alias_generator=to_camel):
    """The data of every `sys.<type>.error` event: what a handler answers when something unexpected happened to it."""

    error_name: str
    error_message: str
    error_stack: str | None = None

    @classmethod
    def from_exception(cls, error: BaseException) -> ServiceError:
        """What the other side may know about an exception: its class, its message and its traceback, without locals.

        Long ones are cut in the middle, so that an error is never too large to be sent.
        """
        return cls(
            error_name=type(error).__name__,
            error_message=_sendable(str(error), MAX_ERROR_MESSAGE_CHARACTERS),
            error_stack=_sendable("".join(traceback.format_exception(error)), MAX_ERROR_STACK_CHARACTERS),
        )


def _sendable(text: str, limit: int) -> str:
    """The text with its middle left out where it is too long, and without what UTF-8 cannot spell."""
    if len(text) > limit:
        text = f"{text[: limit // 2]}\n... {len(text) - limit:,} characters left out ...\n{text[-(limit // 2) :]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class WithParentSubject(Payload):
    """What starts a workflow: its data names the subject of the workflow that called it, or says that none did."""

    parent_subject: str | None = Field(
        validation_alias="parentSubject$$", serialization_alias="parentSubject$$", min_length=1
    )


P = TypeVar("P", bound=Payload)
P_co = TypeVar("P_co", bound=Payload, covariant=True)
E1 = TypeVar("E1", bound=Payload)
E2 = TypeVar("E2", bound=Payload)
E3 = TypeVar("E3", bound=Payload)
E4 = TypeVar("E4", bound=Payload)
E5 = TypeVar("E5", bound=Payload)
E6 = TypeVar("E6", bound=Payload)
E7 = TypeVar("E7", bound=Payload)
E8 = TypeVar("E8", bound=Payload)

# Classes with a field named `type` cannot spell `type[P]` in their body: the field shadows the builtin.
PayloadClass: TypeAlias = type[P]


@dataclass(frozen=True, slots=True)
class OneOf(Generic[P_co]):
    """A set of payload classes whose static type is their union; made by `one_of`."""

    members: tuple[type[P_co], ...]


@overload
def one_of(a: type[E1], /) -> OneOf[E1]: ...
@overload
def one_of(a: type[E1], b: type[E2], /) -> OneOf[E1 | E2]: ...
@overload
def one_of(a: type[E1], b: type[E2], c: type[E3], /) -> OneOf[E1 | E2 | E3]: ...
@overload
def one_of(a: type[E1], b: type[E2], c: type[E3], d: type[E4], /) -> OneOf[E1 | E2 | E3 | E4]: ...
@overload
def one_of(a: type[E1], b: type[E2], c: type[E3], d: type[E4], e: type[E5], /) -> OneOf[E1 | E2 | E3 | E4 | E5]: ...
@overload
def one_of(
    a: type[E1], b: type[E2], c: type[E3], d: type[E4], e: type[E5], f: type[E6], /
) -> OneOf[E1 | E2 | E3 | E4 | E5 | E6]: ...
@overload
def one_of(
    a: type[E1], b: type[E2], c: type[E3], d: type[E4], e: type[E5], f: type[E6], g: type[E7], /
) -> OneOf[E1 | E2 | E3 | E4 | E5 | E6 | E7]: ...
@overload
def one_of(
    a: type[E1], b: type[E2], c: type[E3], d: type[E4], e: type[E5], f: type[E6], g: type[E7], h: type[E8], /
) -> OneOf[E1 | E2 | E3 | E4 | E5 | E6 | E7 | E8]: ...
def one_of(*members: type[Payload]) -> OneOf[Any]:
    """The payload classes that one contract version may emit, for example `emits=one_of(CardCharged, CardDeclined)`."""
    return OneOf(members)
