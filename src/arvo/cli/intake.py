"""Takes lines of events into a store. Reading them is in `event_input`, working on them in `work`."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from arvo.cli.event_input import BadLine, Catalogue, read_events
from arvo.errors import ConfigViolation
from arvo.ports import SystemClock
from arvo.runtime import enqueue
from arvo.runtime.worker.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.cli.event_input import InputEvent
    from arvo.cli.line_reader import LineReader
    from arvo.ports import Store
    from arvo.runtime import App

__all__ = ["Intake"]

AT_ONCE: Final = 64
"""So many events are being stored at a time: a store commits together what comes together."""


class Intake:
    """Enqueues every line; the events of one subject in the order of the lines. Bad lines go to `on_bad`.

    A store that does not answer is asked again until it does.
    """

    def __init__(self, app: App, store: Store, on_bad: Callable[[BadLine], object]) -> None:
        self.new = 0
        self.known = 0
        """Events that the store had already."""
        self.bad_lines = 0
        self.trouble: str | None = None
        """Why reading ended before the end."""
        self._app = app
        self._store = store
        self._on_bad = on_bad
        self._catalogue = Catalogue(version for handler in app.handlers for version in handler.implements)
        self._patience = Patience(SystemClock())
        self._latest: dict[str, asyncio.Task[None]] = {}

    @property
    def ids_made(self) -> int:
        """How many lines had no id, so that nobody will recognise them should they come again."""
        return self._catalogue.ids_made

    async def __call__(self, lines: LineReader) -> None:
        """Return when every line is stored or refused."""
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            try:
                async for found in read_events(lines, self._catalogue):
                    if isinstance(found, BadLine):
                        self._refuse(found)
                        await asyncio.sleep(0)  # many of them must not keep a signal waiting
                        continue
                    await turns.acquire()
                    subject = found.event.subject
                    if (before := self._latest.get(subject)) is not None:
                        await asyncio.wait([before])
                    task = tasks.create_task(self._store_one(found))
                    self._latest[subject] = task
                    task.add_done_callback(partial(self._done, subject, turns))
            except OSError as error:
                self.trouble = error.strerror or str(error)

    def _done(self, subject: str, turns: asyncio.Semaphore, task: asyncio.Task[None]) -> None:
        turns.release()
        if self._latest.get(subject) is task:
            del self._latest[subject]

    async def _store_one(self, found: InputEvent) -> None:
        try:
            is_new = await self._patience.ask("take in an event", partial(enqueue, self._app, self._store, found.event))
        except ConfigViolation as error:
            self._refuse(BadLine(found.line, error.message))
            return
        self.new += is_new
        self.known += not is_new

    def _refuse(self, bad: BadLine) -> None:
        self.bad_lines += 1
        self._on_bad(bad)
