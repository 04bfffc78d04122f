"""The streams and consumers on the server: declared where they are missing, checked where they are there.

Somebody else may have made them, with replicas, limits and placement of his own; refused is only what would break a
promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import APIError, NotFoundError

from arvo.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nats.js.client import JetStreamContext

    from arvo.backends.nats.address import Address
    from arvo.backends.nats.names import Names

__all__ = ["Declaration", "Declared"]

_EXISTS_DIFFERENTLY: Final = (10058, 10148)
"""Somebody else has made it in this very moment, with other settings: looking again tells."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the streams on the server promise."""

    duplicate_window: timedelta
    largest_message: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a broker wants to be there. `hold`, `duplicate_window`, `replicas`, `keep_dead` are for what it makes."""

    address: Address
    names: Names
    hold: timedelta
    duplicate_window: timedelta
    replicas: int
    keep_dead: timedelta

    async def streams(self, jetstream: JetStreamContext) -> Declared:
        """Make the two streams unless they are there, and return what they promise; driver errors as they are."""
        waiting = await self._stream(
            jetstream,
            StreamConfig(
                name=self.names.stream,
                description="Arvo: events that wait for their handlers",
                subjects=[self.names.subjects],
                retention=RetentionPolicy.WORK_QUEUE,
                discard=DiscardPolicy.NEW,
                storage=StorageType.FILE,
                num_replicas=self.replicas,
                duplicate_window=self.duplicate_window.total_seconds(),
            ),
        )
        await self._stream(
            jetstream,
            StreamConfig(
                name=self.names.dead_stream,
                description="Arvo: dead letters",
                subjects=[self.names.dead_subjects],
                retention=RetentionPolicy.LIMITS,
                storage=StorageType.FILE,
                num_replicas=self.replicas,
                max_age=self.keep_dead.total_seconds(),
                allow_direct=True,
            ),
        )
        largest = waiting.max_msg_size
        return Declared(
            duplicate_window=timedelta(seconds=waiting.duplicate_window),
            largest_message=largest if largest is not None and largest > 0 else None,
        )

    async def consumer(self, jetstream: JetStreamContext, address: str) -> timedelta:
        """Make the consumer of an address unless it is there; return how long it lets messages be held."""
        name = self.names.consumer(address)
        wanted = ConsumerConfig(
            durable_name=name,
            description=f"Arvo: {address[:200]}",
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self.hold.total_seconds(),
            max_deliver=-1,
            max_ack_pending=-1,
            filter_subject=self.names.subject(address),
        )
        try:
            found = (await jetstream.consumer_info(self.names.stream, name)).config
        except NotFoundError:
            try:
                made = await jetstream.add_consumer(  # pyright: ignore[reportUnknownMemberType]
                    self.names.stream, wanted
                )
                found = made.config
            except APIError as error:
                if error.err_code not in _EXISTS_DIFFERENTLY:
                    raise
                found = (await jetstream.consumer_info(self.names.stream, name)).config
        self._refuse(f"consumer {name!r} of stream {self.names.stream!r}", _wrong_consumer(found, wanted))
        return timedelta(seconds=found.ack_wait or self.hold.total_seconds())

    async def _stream(self, jetstream: JetStreamContext, wanted: StreamConfig) -> StreamConfig:
        assert wanted.name is not None  # noqa: S101 - just made
        try:
            found = (await jetstream.stream_info(wanted.name)).config
        except NotFoundError:
            try:
                found = (await jetstream.add_stream(wanted)).config  # pyright: ignore[reportUnknownMemberType]
            except APIError as error:
                if error.err_code not in _EXISTS_DIFFERENTLY:
                    raise
                found = (await jetstream.stream_info(wanted.name)).config
        self._refuse(f"stream {wanted.name!r}", _wrong_stream(found, wanted))
        return found

    def _refuse(self, what: str, wrong: Iterator[str]) -> None:
        problems = "; ".join(wrong)
        if problems:
            raise BackendError(
                f"The {what} on the NATS server at {self.address} cannot be used: {problems}. Correct it (nats stream "
                "edit, nats consumer edit), delete it if nothing in it is needed, or name another system."
            )


def _wrong_stream(found: StreamConfig, wanted: StreamConfig) -> Iterator[str]:
    missing = [subject for subject in wanted.subjects or () if subject not in (found.subjects or ())]
    if missing:
        yield f"it does not take the subjects {', '.join(missing)}"
    if found.retention == RetentionPolicy.INTEREST:
        yield "its retention is 'interest', which drops what nobody consumes yet; it must be 'workqueue' or 'limits'"
    is_limited = any(limit is not None and limit > 0 for limit in (found.max_msgs, found.max_bytes))
    if is_limited and found.discard == DiscardPolicy.OLD and wanted.discard == DiscardPolicy.NEW:
        yield "it drops old messages when it is full; its discard policy must be 'new'"
    if found.no_ack:
        yield "it confirms nothing (no_ack)"
    if found.sealed:
        yield "it is sealed"


def _wrong_consumer(found: ConsumerConfig, wanted: ConsumerConfig) -> Iterator[str]:
    if found.ack_policy != AckPolicy.EXPLICIT:
        yield "its ack policy must be 'explicit'"
    if found.filter_subject != wanted.filter_subject:
        yield f"it is for {found.filter_subject!r} instead of {wanted.filter_subject!r}"
    if found.deliver_subject:
        yield "it pushes messages, and must be one that they are pulled from"
    if found.max_deliver is not None and found.max_deliver > 0:
        yield f"it forgets messages after {found.max_deliver} deliveries; its max_deliver must be -1"
