"""Publishing from inside a handler that a durable worker runs: the events belong to what comes of its delivery.

The worker opens a `Collector` around each attempt; `App.publish` looks for one before it looks for a broker.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from arvo.runtime.shutdown import AppClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import datetime, timedelta

    from arvo.events import Event

__all__ = ["Collector", "collecting", "collector_of"]


class Collector:
    """Takes the events that are published for `app` while the attempt around it lasts."""

    __slots__ = ("_open", "_take", "app")

    def __init__(self, app: object, take: Callable[[Event[Any], datetime | timedelta | None], None]) -> None:
        self.app = app
        self._take = take
        self._open = True

    def publish(self, event: Event[Any], due: datetime | timedelta | None) -> None:
        """Take the event, which is to arrive when it is `due`.

        Raises when nobody answers to its address, and when the attempt is over.
        """
        if not self._open:
            raise AppClosedError(
                f"{event.type!r} (id {event.id}) was published after the handler had returned whose work it belongs "
                "to, so it cannot be stored together with that work. Publish before returning: await what you start."
            )
        self._take(event, due)

    def close(self) -> None:
        """Take no more."""
        self._open = False


_current: ContextVar[Collector | None] = ContextVar("arvo_collector", default=None)


@contextmanager
def collecting(collector: Collector) -> Generator[None]:
    """Have `collector` take what is published while the body runs."""
    token = _current.set(collector)
    try:
        yield
    finally:
        _current.reset(token)
        collector.close()


def collector_of(app: object) -> Collector | None:
    """The collector around the present code, if it is one of `app`."""
    collector = _current.get()
    return collector if collector is not None and collector.app is app else None
