"""What happened in a system under test as lines of text: what is printed with a test that failed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from arvo.runtime.retry import Retry
from arvo.testing.harness.recorder import Attempted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from arvo.events import Event
    from arvo.testing.harness.recorder import Published

__all__ = ["story_lines"]

_LONGEST_DATA: Final = 100
_MOST_LINES: Final = 200


def story_lines(story: Sequence[Published | Attempted]) -> Iterator[str]:
    """One line for each event that was published and each attempt, one more for each event that was emitted."""
    left_out = len(story) - _MOST_LINES
    if left_out > 0:
        yield f"  ... {left_out} earlier entries"
    for entry in story[-_MOST_LINES:]:
        if not isinstance(entry, Attempted):
            yield f"{_time(entry.at)}  published to {entry.event.to}: {_event(entry.event)}"
            continue
        seen = entry.seen
        again = f", attempt {seen.attempt}" if seen.attempt > 1 else ""
        head = f"{_time(entry.at)}  {seen.handler} took {seen.event.type} {_short(seen.event.id)}{again}"
        if seen.error is not None:
            yield f"{head}: {type(seen.error).__name__}: {seen.error}"
            yield f"{' ' * 14}-> {_fate(entry)}"
            continue
        yield head if seen.outputs else f"{head}: nothing came of it"
        for output in seen.outputs:
            where = f" into {output.domain}" if output.domain is not None else f" to {output.to}"
            yield f"{' ' * 14}->{where}: {_event(output)}"


def _fate(entry: Attempted) -> str:
    decision = entry.seen.decision
    if isinstance(decision, Retry):
        return f"tried again after {decision.delay.total_seconds():.2f} s"
    return "dead letter" if decision is None else f"dead letter: {decision.reason}"


def _time(at: timedelta) -> str:
    days, rest = divmod(at.total_seconds(), 86_400)
    hours, seconds = divmod(rest, 3_600)
    return f"{int(days):>3}d {int(hours):02}h{seconds // 60:02.0f}m{seconds % 60:06.3f}s"


def _event(event: Event[Any]) -> str:
    data = event.data_json[: _LONGEST_DATA * 4].decode(errors="replace")
    return (
        f"{event.type} {_short(event.id)} {data if len(data) <= _LONGEST_DATA else data[: _LONGEST_DATA - 3] + '...'}"
    )


def _short(event_id: str) -> str:
    return event_id if len(event_id) <= 13 else event_id[:8]
