"""A folder with the app `depot` and a store that it has worked on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from arvo.backends.sqlite import SqliteStore
from arvo.events import Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from arvo.ports import Store
    from tests.unit.cli.conftest import Done, Project

T = TypeVar("T")
DEPOT = Path(__file__).with_name("depot.py")
STORE = "sqlite:///depot.db"
CALLER = "com.web.desk"


class Depot:
    """Runs commands on the store of the folder."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def arvo(self, *arguments: str, given: str | None = None, **environment: str) -> Done:
        """Run `arvo` with the store in its environment."""
        return self.project.arvo(*arguments, given=given, ARVO_STORE=STORE, **environment)

    def work(self, *lines: dict[str, Any]) -> Done:
        """Take in events, and work until nothing is left to do now."""
        self.project.write("events.jsonl", *lines)
        return self.arvo("run", "depot:app", "--events", "events.jsonl")

    def mend(self) -> None:
        """Let nothing break any more."""
        (self.project.folder / "mended").touch()

    def look(self, ask: Callable[[Store], Awaitable[T]]) -> T:
        """What the store says."""

        async def opened() -> T:
            async with SqliteStore(STORE) as store:
                return await ask(store)

        return asyncio.run(opened())

    def question(self) -> str:
        """The id of the event that waits longest."""
        (first, *_) = self.look(lambda store: store.waiting())
        return first.event_id

    def answers(self) -> list[str]:
        """The types of the events that came back to the caller, in order."""

        async def fetched(store: Store) -> list[str]:
            found: list[str] = []
            for lane in await store.lanes(CALLER):
                found += [each.event().type for each in await store.collect(CALLER, lane.event().subject)]
            return found

        return self.look(fetched)

    def numbers(self, handler: str) -> list[int]:
        """The numbers of the workflows of a handler, the oldest first."""
        found = self.look(lambda store: store.workflows(handler=handler))
        return [workflow.number for workflow in reversed(found)]


@pytest.fixture
def depot(project: Project) -> Depot:
    """The folder, with nothing in the store yet."""
    project.write("depot.py", DEPOT.read_text(encoding="utf-8"))
    return Depot(project)


def an_item(name: str, id: str | None = None) -> dict[str, Any]:
    """A line that begins a workflow which asks somebody."""
    return {"id": id or f"item-{name}", "type": "arvo.orc.item", "source": CALLER, "data": {"name": name}}


def a_bundle(*names: str, id: str = "bundle-1") -> dict[str, Any]:
    """A line that begins a workflow which begins one for each name."""
    return {"id": id, "type": "arvo.orc.bundle", "source": CALLER, "data": {"names": names}}


def a_letter(to: str) -> dict[str, Any]:
    """A line that becomes a dead letter."""
    return {"id": f"post-{to}", "type": "com.post.send", "source": CALLER, "data": {"to": to}}


def an_event(id: str, subject: str = "some-process", type: str = "com.test.b") -> Event[Any]:
    """An event that no handler of the app takes."""
    return Event(id=id, source="com.test.a", type=type, subject=subject, data={})


def error_of(done: Done, code: int) -> str:
    """The one line that a command ends with when it did not do what it was told to."""
    assert done.code == code, done.err
    last = done.err.splitlines()[-1]
    assert last.startswith("Error: "), done.err
    assert "Traceback" not in done.err
    return last.removeprefix("Error: ")
