"""The log of one simulated run: what happened, when and to whom, in lines that are the same for the same seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["WORLD", "RunLog"]

WORLD = "-"
"""Who does what nobody in the system does: the faults, and those who look on."""


class RunLog:
    """Lines with the simulated time. Events are called `e1`, `e2`, ... in order of appearance, with their type."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: list[tuple[float, str, str]] = []
        self._names: dict[str, str] = {}
        self._subjects: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, who: str, text: str) -> None:
        """Add a line."""
        self._entries.append((self._now(), who, text))

    def event(self, event_id: str, event_type: str) -> str:
        """What the log calls an event."""
        name = self._names.get(event_id)
        if name is None:
            name = self._names[event_id] = f"e{len(self._names) + 1}:{event_type}"
        return name

    def known(self, event_id: str) -> str:
        """What the log calls an event that it has seen; the id of any other."""
        return self._names.get(event_id, event_id)

    def subject(self, text: str) -> str:
        """What the log calls a subject."""
        name = self._subjects.get(text)
        if name is None:
            name = self._subjects[text] = f"s{len(self._subjects) + 1}"
        return name

    def lines(self) -> Sequence[str]:
        """The whole log."""
        width = max((len(who) for _, who, _ in self._entries), default=1)
        return [f"{at:12.6f}  {who:{width}}  {text}" for at, who, text in self._entries]
