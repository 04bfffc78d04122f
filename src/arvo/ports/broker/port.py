"""The MessageBroker port. Back ends are written from the docstrings; `arvo.testing.broker` checks every one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta
    from types import TracebackType

    from arvo.ports.broker.messages import BrokerPromises, DeadMessage, OutgoingMessage, ReceivedMessage

__all__ = ["MessageBroker", "MessageConsumer"]


class MessageBroker(Protocol):
    """Carries messages to the addresses that they are for, between any number of processes.

    An *address* is a queue of its own: whatever is published to it is given to one of those who consume it. Promises
    that hold for the whole port (`promises` tells what a broker promises besides):

    - *At least once.* A message that was confirmed is given out until it is settled: acknowledged, or dead. What was
      given out and not settled is given out again, when its consumer is closed, lost, or silent for too long.
    - *Kept for whoever comes.* An address needs nobody to consume it, nor to have been used before: what is published
      to it waits, and whoever consumes it later gets all of that.
    - *Apart.* Addresses are compared exactly, whatever characters they have. Nothing done to one shows at another.
    - *Values.* Body, content type and headers arrive as they were published; bodies byte for byte, up to
      `promises.largest_message` (at least 256 KB). Brokers may add headers of their own. Names of headers may come
      back in lower case.
    - *Bounded.* A consumer holds no more unsettled messages of an address than it was told to.
    - *Errors.* A broker that cannot be reached, refuses the credentials, or is not set up raises `BackendError` in one
      line, which says what to do and never contains a password. Once it is back, the same instance works again,
      consumers included; nobody has to open anything anew.
    - *Cancellation.* A cancelled call may or may not take effect. Messages that a cancelled `receive` had got are not
      lost: the next one returns them, or they are given out again.
    """

    @property
    def promises(self) -> BrokerPromises:
        """What this broker promises beyond the port; exact once it was entered."""
        ...

    async def __aenter__(self) -> Self:
        """Connect and declare what is needed, unless it is there.

        `BackendError` when that fails, or when what is there differs so that it cannot be used.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def close(self) -> None:
        """Close all consumers and let go of everything. May be called more than once; nothing works then."""
        ...

    async def publish(self, messages: Sequence[OutgoingMessage]) -> None:
        """Publish messages, in the order given; once this returns the broker has confirmed all of them.

        Where ids are remembered (`promises.duplicate_window`), those that it has already are dropped.
        When it raises, some may have been published and others not, and publishing all of them again is safe:
        `MessageRefused` when one of them can never be taken, with nothing else wrong; `BackendError` otherwise.
        """
        ...

    def consumer(self, addresses: Mapping[str, int]) -> MessageConsumer:
        """What takes messages for these addresses, of each at most so many unsettled at a time; to be entered.

        Those who consume one address share its messages, whichever process they are in.
        """
        ...

    async def dead_letters(self, *, limit: int = 100) -> Sequence[DeadMessage]:
        """The latest messages that were given up, oldest first. Looking changes nothing."""
        ...


class MessageConsumer(Protocol):
    """Takes the messages of some addresses and settles them; for one task at a time, `extend` aside.

    Settling a message that the consumer no longer holds (settled before, or given to somebody else meanwhile) does
    nothing. When settling raises `BackendError`, the message may be given out again.
    """

    @property
    def hold(self) -> timedelta | None:
        """How long messages may be held without `extend` before they are given to others; None: while it is alive."""
        ...

    async def __aenter__(self) -> Self:
        """Begin to take messages. `BackendError` when that is impossible."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def close(self) -> None:
        """Take nothing more, and hand back at once what is not settled. May be called more than once."""
        ...

    async def receive(self, at_most: int, wait: timedelta) -> Sequence[ReceivedMessage]:
        """Return messages as soon as there are any, at most `at_most`; none when there are none for `wait`.

        `BackendError` when the broker is away, at once or by the end of `wait`. Asking again is right, after a pause.
        """
        ...

    async def ack(self, messages: Sequence[ReceivedMessage]) -> None:
        """Done with: never given out again, once this returned, unless an outage at that very time swallows it."""
        ...

    async def retry(self, message: ReceivedMessage, delay: timedelta) -> None:
        """Have the message given out again, to any consumer, after `delay` (more or less) and not before."""
        ...

    async def dead(self, message: ReceivedMessage, reason: str, detail: str) -> None:
        """Give the message up: from now on `dead_letters` shows it, and it is never given out again.

        It is kept among the dead first and acknowledged then, so that it cannot fall between the two.
        """
        ...

    async def extend(self, messages: Sequence[ReceivedMessage]) -> None:
        """Go on holding these messages: `hold` counts from now."""
        ...
