"""What a step of a statechart gives back: the next snapshot, emitted events, output and timers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from arvo.statecharts.definition import StateNode


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Send the event `{"type": id}` to the chart after `delay`. Replaces a running timer with the same id."""

    id: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Forget the timer with this id, if one runs."""

    id: str


class Step(msgspec.Struct, frozen=True, eq=False):
    """The outcome of one event.

    `snapshot` is JSON in XState v5's persisted form and the only state there is. It may share values with the snapshot
    it came from: treat both as read-only. `timers` holds one entry per timer that this step started or cancelled.
    """

    snapshot: dict[str, Any]
    emitted: tuple[Any, ...]
    output: Any
    timers: tuple[StartTimer | CancelTimer, ...]
    leaves: tuple[StateNode, ...]
    """The innermost active states."""

    @property
    def status(self) -> str:
        """`active`, `done`, `error` or `stopped`."""
        return str(self.snapshot["status"])

    @property
    def tags(self) -> frozenset[str]:
        """The tags of all active states."""
        return frozenset[str]().union(*(leaf.all_tags for leaf in self.leaves))

    @property
    def meta(self) -> dict[str, Mapping[str, Any]]:
        """The meta data of all active states, by state id."""
        active = dict.fromkeys(state for leaf in self.leaves for state in leaf.lineage)
        return {state.id: state.meta for state in active if state.meta is not None}


def failed_snapshot(snapshot: Mapping[str, Any], error: BaseException) -> dict[str, Any]:
    """The snapshot XState keeps when a step raised: the old one with the status `error`, which ignores all events."""
    return {**snapshot, "status": "error", "error": {"name": type(error).__name__, "message": str(error)}}
