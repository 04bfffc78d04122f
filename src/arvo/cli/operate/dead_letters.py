"""Finding dead letters in a store, and laying them out; the commands are in `dead_letter_commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from arvo.cli.console import visible
from arvo.cli.operate.documents import event_type_in, laid_out, raw
from arvo.errors import InvalidEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from arvo.ports import Store, StoredDeadLetter

__all__ = ["LetterFilter", "Settled", "find_letters", "letter_members", "letter_rows", "settle", "some_letters"]

PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which dead letters are meant: those for one address, with one reason, or behind a number."""

    handler: str | None = None
    reason: str | None = None
    after: int = 0

    def fits(self, stored: StoredDeadLetter) -> bool:
        """Whether this is one of them."""
        return stored.number > self.after and self.reason in (None, stored.letter.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of dead letters that were named."""

    done: tuple[int, ...]
    unknown: tuple[int, ...] = ()
    """There is no letter with such a number (any more)."""
    unreadable: tuple[int, ...] = ()
    """What they hold is no event, so it cannot be delivered."""

    @property
    def left(self) -> bool:
        """Whether some were not to be done."""
        return bool(self.unknown or self.unreadable)


async def find_letters(store: Store, wanted: LetterFilter) -> AsyncIterator[StoredDeadLetter]:
    """All that fit, the oldest first."""
    after: StoredDeadLetter | None = None
    while page := await store.dead_letters(handler=wanted.handler, after=after, limit=PAGE):
        after = page[-1]
        for stored in page:
            if wanted.fits(stored):
                yield stored


async def some_letters(store: Store, wanted: LetterFilter, limit: int) -> tuple[list[StoredDeadLetter], bool]:
    """The first that fit, and whether there are more."""
    found: list[StoredDeadLetter] = []
    async for stored in find_letters(store, wanted):
        if len(found) == limit:
            return found, True
        found.append(stored)
    return found, False


async def settle(numbers: Sequence[int], store: Store, act: Callable[[Sequence[int]], Awaitable[int]]) -> Settled:
    """Replay or discard letters, by what `act` of the store does, and tell what became of each."""
    wanted = list(dict.fromkeys(numbers))
    there = [number for number in wanted if await store.dead_letter(number) is not None]
    for start in range(0, len(there), PAGE):
        await act(there[start : start + PAGE])
    left: list[int] = []
    for number in there:
        stored = await store.dead_letter(number)
        if stored is not None and not is_readable(stored):
            left.append(number)
    return Settled(
        done=tuple(number for number in there if number not in left),
        unknown=tuple(number for number in wanted if number not in there),
        unreadable=tuple(left),
    )


def is_readable(stored: StoredDeadLetter) -> bool:
    """Whether it holds an event."""
    try:
        stored.event()
    except InvalidEvent:
        return False
    return True


def letter_rows(stored: StoredDeadLetter) -> Iterator[str]:
    """One letter for people, with everything that is known of it."""
    letter = stored.letter
    yield click.style(f"Dead letter {stored.number}", bold=True)
    facts = (
        ("handler", letter.handler),
        ("reason", letter.reason),
        ("error", letter.error),
        ("attempts", str(letter.attempts)),
        ("given up", f"{stored.at:%Y-%m-%d %H:%M:%S} UTC"),
        ("event", f"{event_type_in(letter.event_json)} (id {letter.event_id})"),
    )
    for name, text in facts:
        yield f"  {name.ljust(9)} {visible(text)}"
    if letter.traceback:
        yield ""
        for line in letter.traceback.rstrip().splitlines():
            yield f"  {visible(line)}"
    yield ""
    for line in laid_out(letter.event_json).splitlines():
        yield visible(line)


def letter_members(stored: StoredDeadLetter) -> dict[str, Any]:
    """One letter as the members of a JSON object."""
    letter = stored.letter
    return {
        "number": stored.number,
        "at": stored.at,
        "handler": letter.handler,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "event_id": letter.event_id,
        "traceback": letter.traceback,
        "event": raw(letter.event_json),
    }
