"""What goes into a message broker and comes out of it. Brokers carry bytes: nothing here knows what an event is."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - dataclass fields are looked at
from dataclasses import dataclass, field
from datetime import datetime, timedelta  # noqa: TC003 - dataclass fields are looked at
from types import MappingProxyType

from arvo.errors import DefinitionError, Violation

__all__ = ["BrokerPromises", "DeadMessage", "MessageRefused", "OutgoingMessage", "ReceivedMessage"]

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _no_headers() -> Mapping[str, str]:
    return _NO_HEADERS


class MessageRefused(Violation):
    """The broker will never take this message (it is too large, say): whoever sent it must change it."""

    kind = "Message"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPromises:
    """What a broker promises beyond what all of them do; a broker that promises less says so here.

    ordered: Messages of one subject to one address are first given out in the order in which they were published.
        Those given out again (after a retry, a lost consumer) come whenever they come.
    exclusive: The messages of one subject to one address are all given to the same consumer as long as it lives, so
        that several processes keep the order, too.
    duplicate_window: How long an event id is remembered, so that publishing it again does nothing; None for not at
        all. Ids are those of events, so that a broker may remember them for all addresses together.
    largest_message: Bytes in the body of the largest message that is taken.
    durable: Messages outlive the process of the broker.
    """

    ordered: bool
    exclusive: bool = False
    duplicate_window: timedelta | None = None
    largest_message: int
    durable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One message to be published.

    `address` is who handles it: the source of a handler, an encoded URI. `subject` is what is to be kept in order, and
    `event_id` tells the message from others. Header names are of visible ASCII; names and values hold no line breaks.
    """

    address: str
    event_id: str
    subject: str
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=_no_headers)

    def __post_init__(self) -> None:
        if not (self.address and self.event_id and self.subject):
            raise DefinitionError(
                f"A message needs an address, an event id and a subject, which are {self.address!r:.80}, "
                f"{self.event_id!r:.80} and {self.subject!r:.80}. Give it all three."
            )
        for name, value in (("content-type", self.content_type), *self.headers.items()):
            if not _is_header_name(name) or "\n" in value or "\r" in value:
                raise DefinitionError(
                    f"{name!r:.80}: {value!r:.80} cannot be a header. Names are of visible ASCII without a colon, and "
                    "there are no line breaks in either. Encode what may hold others."
                )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReceivedMessage:
    """One message that was given out, to be settled with the consumer that gave it. Compared by identity.

    `attempt` counts how often it has been given out, this time included, as far as the broker knows: it may begin
    anew after a crash of the broker. Foreign senders may leave out the content type. Back ends subclass it to keep
    what they settle it by.
    """

    address: str
    body: bytes
    content_type: str | None
    headers: Mapping[str, str]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadMessage:
    """A message that was given up. `reason` is one short word, `detail` one line."""

    address: str
    body: bytes
    content_type: str | None
    headers: Mapping[str, str]
    reason: str
    detail: str
    attempts: int
    at: datetime


def _is_header_name(name: str) -> bool:
    return bool(name) and name.isascii() and name.isprintable() and " " not in name and ":" not in name
