"""Brokers that break one promise each; the kit must notice every one of them."""

# ruff: noqa: ARG002 - what a broken method ignores is the point

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryBroker
from arvo.errors import BackendError
from arvo.ports.broker import MessageRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.ports.broker import DeadMessage, OutgoingMessage, ReceivedMessage


class Wrapped:
    """A consumer like the one it wraps."""

    def __init__(self, consumer: Any) -> None:
        self.inner = consumer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def __aenter__(self) -> Any:
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.inner.close()


class ConsumerOf(InMemoryBroker):
    """A broker whose consumers are `kind`."""

    kind: type[Wrapped] = Wrapped

    def consumer(self, addresses: Mapping[str, int]) -> Any:
        return self.kind(super().consumer(addresses))


class LosesBodies(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        await super().publish([replace(message, body=message.body[:100]) for message in messages])


class LosesHeaders(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        await super().publish([replace(message, headers={}) for message in messages])


class TakesAnySize(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        try:
            await super().publish(messages)
        except MessageRefused:
            return


class MixesAddresses(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        await super().publish([replace(message, address=message.address.lower()) for message in messages])


class DropsWhatNobodyConsumes(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        await super().publish([message for message in messages if self._consumers])


class ReversesCalls(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        await super().publish(messages[::-1])


class ForgetsIds(InMemoryBroker):
    number = 0

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        fresh: list[OutgoingMessage] = []
        for message in messages:
            self.number += 1
            fresh.append(replace(message, event_id=str(self.number)))
        await super().publish(fresh)


class StaysOpen(InMemoryBroker):
    async def close(self) -> None:
        pass


class HidesOutages(InMemoryBroker):
    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        try:
            await super().publish(messages)
        except BackendError:
            if self._closed:
                raise


class ForgetsTheDead(InMemoryBroker):
    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadMessage]:
        return ()


class ShowsTheOldestDead(InMemoryBroker):
    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadMessage]:
        return tuple(self._dead)[:limit]


class Impatient(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def receive(self, at_most: int, wait: timedelta) -> Any:
            return await self.inner.receive(at_most, timedelta(0))


class Greedy(ConsumerOf):
    def consumer(self, addresses: Mapping[str, int]) -> Any:
        return InMemoryBroker.consumer(self, dict.fromkeys(addresses, 10_000))


class ReturnsTooMuch(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def receive(self, at_most: int, wait: timedelta) -> Any:
            return await self.inner.receive(100, wait)


class NeverAcknowledges(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def ack(self, messages: Sequence[ReceivedMessage]) -> None:
            pass


class KeepsWhenClosed(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def close(self) -> None:
            self.inner._held.clear()
            await self.inner.close()


class RetriesAtOnce(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def retry(self, message: ReceivedMessage, delay: timedelta) -> None:
            await self.inner.retry(message, timedelta(0))


class DropsRetries(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def retry(self, message: ReceivedMessage, delay: timedelta) -> None:
            await self.inner.ack([message])


class HoldsForEver(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def receive(self, at_most: int, wait: timedelta) -> Any:
            taken = await self.inner.receive(at_most, wait)
            self.inner._held.update(dict.fromkeys(taken, float("inf")))
            return taken


class NeverExtends(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def extend(self, messages: Sequence[ReceivedMessage]) -> None:
            pass


class LosesCancelled(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def receive(self, at_most: int, wait: timedelta) -> Any:
            taken = await self.inner.receive(at_most, wait)
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                await self.inner.ack(taken)
                raise
            return taken


class GivesUpWithoutALetter(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def dead(self, message: ReceivedMessage, reason: str, detail: str) -> None:
            await self.inner.ack([message])


class BuriesTwice(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def dead(self, message: ReceivedMessage, reason: str, detail: str) -> None:
            await self.inner.dead(message, reason, detail)
            if self.inner._broker._dead:
                self.inner._broker.bury(self.inner._broker._dead[-1])


class CountsNoAttempts(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def receive(self, at_most: int, wait: timedelta) -> Any:
            taken = await self.inner.receive(at_most, wait)
            for message in taken:
                object.__setattr__(message, "attempt", 1)
            return taken


class WorksWhenClosed(ConsumerOf):
    class kind(Wrapped):  # noqa: N801
        async def receive(self, at_most: int, wait: timedelta) -> Any:
            try:
                return await self.inner.receive(at_most, wait)
            except BackendError:
                return ()


BROKEN: dict[type[InMemoryBroker], str] = {
    LosesBodies: "message_arrives_as_published",
    LosesHeaders: "message_arrives_as_published",
    TakesAnySize: "too_large_message_is_refused",
    MixesAddresses: "addresses_are_apart",
    DropsWhatNobodyConsumes: "message_waits_for_its_consumer",
    ReversesCalls: "order_of_a_subject_is_kept",
    ForgetsIds: "known_id_is_dropped",
    StaysOpen: "closed_broker_does_nothing",
    HidesOutages: "publishing_fails_while_it_is_away",
    ForgetsTheDead: "dead_message_is_shown",
    ShowsTheOldestDead: "dead_messages_are_shown_in_order",
    Impatient: "wait_ends_with_the_first_message",
    Greedy: "unsettled_messages_are_bounded",
    ReturnsTooMuch: "no_more_than_asked_for",
    NeverAcknowledges: "acknowledged_messages_are_gone",
    KeepsWhenClosed: "closing_hands_back",
    RetriesAtOnce: "retried_message_comes_later",
    DropsRetries: "retried_message_keeps_its_values",
    HoldsForEver: "silent_consumer_loses_its_messages",
    NeverExtends: "extended_messages_stay",
    LosesCancelled: "cancelled_receive_loses_nothing",
    GivesUpWithoutALetter: "dead_message_is_shown",
    BuriesTwice: "message_is_settled_once",
    CountsNoAttempts: "retried_message_comes_later",
    WorksWhenClosed: "closed_consumer_does_nothing",
}
"""Each broken broker, and a check that must notice it."""
