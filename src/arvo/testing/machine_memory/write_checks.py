"""Checks of compare-and-swap: a write counts only when it starts from the current record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from arvo.ports.machine_memory import StaleWriteError
from arvo.testing.machine_memory.check import check_of, peer_of, require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.ports.machine_memory import MachineMemory
    from arvo.testing.machine_memory.under_test import MemoryUnderTest

__all__ = ["WRITE_CHECKS", "is_refused"]

_WRITERS = 32


async def current_previous_is_accepted(subject: MemoryUnderTest) -> None:
    """A write that starts from the current record replaces it."""
    await subject.memory.write("a", {"step": 1}, None)
    await subject.memory.write("a", {"step": 2}, {"step": 1})
    found = await subject.memory.read("a")
    require(found == {"step": 2}, f"the second write left {found!r}")


async def previous_is_compared_by_value(subject: MemoryUnderTest) -> None:
    """The previous record counts by its value: an equal one is accepted whatever the order of its members."""
    await subject.memory.write("a", {"x": 1, "y": {"p": [1, 2], "q": None}}, None)
    await subject.memory.write("a", {"done": True}, {"y": {"q": None, "p": [1, 2]}, "x": 1})
    found = await subject.memory.read("a")
    require(found == {"done": True}, f"the write left {found!r}")


async def stale_write_is_refused(subject: MemoryUnderTest) -> None:
    """A write that starts from a record no longer current raises StaleWriteError and changes nothing."""
    for current, stale in (
        ({"n": 2}, {"n": 1}),
        ({"n": 1, "more": None}, {"n": 1}),
        ({"list": [1, 2]}, {"list": [2, 1]}),
        ({"n": 1}, {"n": True}),
        ({}, {"n": 1}),
    ):
        id_ = repr((current, stale))
        await subject.memory.write(id_, current, None)
        refused = await is_refused(subject.memory, id_, {"lost": "update"}, stale)
        require(refused, f"a write from {stale!r} was accepted over {current!r}")
        found = await subject.memory.read(id_)
        require(found == current, f"the refused write left {found!r} in place of {current!r}")


async def write_from_nothing_needs_nothing_there(subject: MemoryUnderTest) -> None:
    """A write with previous None is refused when there is a record, even an equal or an empty one."""
    for current in ({"n": 1}, {}):
        id_ = repr(current)
        await subject.memory.write(id_, current, None)
        refused = await is_refused(subject.memory, id_, {"n": 1}, None)
        require(refused, f"a write from nothing was accepted over {current!r}")
        found = await subject.memory.read(id_)
        require(found == current, f"the refused write left {found!r} in place of {current!r}")


async def write_from_something_needs_something_there(subject: MemoryUnderTest) -> None:
    """A write with a previous record is refused when there is none, and creates none."""
    for previous in ({"n": 1}, {}):
        refused = await is_refused(subject.memory, "a", {"n": 2}, previous)
        require(refused, f"a write from {previous!r} was accepted where nothing was stored")
    found = await subject.memory.read("a")
    require(found is None, f"the refused write left {found!r}")


async def one_of_many_creations_succeeds(subject: MemoryUnderTest) -> None:
    """Of many simultaneous first writes exactly one succeeds, and its record stays."""

    async def create(number: int) -> bool:
        memory = subject.peer if subject.peer is not None and number % 2 else subject.memory
        return not await is_refused(memory, "contended", {"writer": number}, None)

    accepted = await asyncio.gather(*(create(number) for number in range(_WRITERS)))
    winners = [number for number, won in enumerate(accepted) if won]
    require(len(winners) == 1, f"{len(winners)} of {_WRITERS} succeeded")
    found = await subject.memory.read("contended")
    require(found == {"writer": winners[0]}, f"writer {winners[0]} succeeded, but the record is {found!r}")


async def no_update_is_lost(subject: MemoryUnderTest) -> None:
    """Many tasks that count up one record without a lock, repeating refused writes, lose no count."""
    await subject.memory.write("counter", {"count": 0}, None)

    async def count_up(number: int) -> None:
        memory = subject.peer if subject.peer is not None and number % 2 else subject.memory
        await _change(memory, "counter", lambda current: {"count": current["count"] + 1})

    await asyncio.gather(*(count_up(number) for number in range(_WRITERS)))
    found = await subject.memory.read("counter")
    require(found == {"count": _WRITERS}, f"{_WRITERS} counts left {found!r}")


async def cancelled_write_is_whole_or_absent(subject: MemoryUnderTest) -> None:
    """A cancelled write takes effect as a whole, at once or soon, or not at all; the memory stays usable."""
    await subject.memory.write("cancelled", {"step": 0}, None)
    whole: list[Mapping[str, Any]] = [{"step": 0}]
    for step in range(1, 20):
        found = await subject.memory.read("cancelled")
        require(found in whole, f"cancelled writes left {found!r}")
        whole.append({"step": step})
        write = asyncio.ensure_future(subject.memory.write("cancelled", {"step": step}, found))
        for _ in range(step % 4):
            await asyncio.sleep(0)
        write.cancel()
        await asyncio.wait([write])
    await _change(subject.memory, "cancelled", lambda _: {"step": "last"})
    found = await subject.memory.read("cancelled")
    require(found == {"step": "last"}, f"a later write left {found!r}")


async def peer_sees_writes(subject: MemoryUnderTest) -> None:
    """What one memory wrote, another on the same store reads, and refuses to lose."""
    peer = peer_of(subject)
    await subject.memory.write("shared", {"by": "first"}, None)
    found = await peer.read("shared")
    require(found == {"by": "first"}, f"the other memory read {found!r}")
    await peer.write("shared", {"by": "second"}, found)
    refused = await is_refused(subject.memory, "shared", {"by": "first again"}, {"by": "first"})
    require(refused, "a stale write was accepted over the other memory's record")


async def _change(memory: MachineMemory, id: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Write what `change` makes of the record, again and again until the write is not refused."""
    while True:
        current = await memory.read(id) or {}
        await asyncio.sleep(0)
        if not await is_refused(memory, id, change(current), current):
            return


async def is_refused(
    memory: MachineMemory, id: str, data: Mapping[str, Any], previous: Mapping[str, Any] | None
) -> bool:
    """Tell whether the write was refused as stale."""
    try:
        await memory.write(id, data, previous)
    except StaleWriteError:
        return True
    return False


WRITE_CHECKS = (
    check_of(current_previous_is_accepted),
    check_of(previous_is_compared_by_value),
    check_of(stale_write_is_refused),
    check_of(write_from_nothing_needs_nothing_there),
    check_of(write_from_something_needs_something_there),
    check_of(one_of_many_creations_succeeds),
    check_of(no_update_is_lost),
    check_of(cancelled_write_is_whole_or_absent),
    check_of(peer_sees_writes),
)
