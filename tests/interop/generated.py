"""Random events and subjects from a seed: the material that both languages are made to agree on.

Only what both sides can say is drawn: no integer-like keys (JavaScript moves them to the front), no integers beyond
2^53, no `%` in addresses (the 2.x factory encodes it again on every hop).
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Any

from arvo.events import Subject

LETTERS = "abcdefghijklmnopqrstuvwxyz"
TEXT = LETTERS + "ABC 0123456789\"\\/\b\f\n\r\t\x00\x1f\x7f\u2028\u2029<>&'éß日本語😀e\u0301"
ADDRESS = LETTERS + "ABC 0123456789-_.~/?:@&=+$,#!*'()\"<>[]|éß日本😀"
CONTENT_TYPES = (
    "application/cloudevents+json;charset=UTF-8;profile=arvo",
    "application/cloudevents+json",
    "application/json",
    "application/json; charset=utf-8",
)
TIMES = ("2026-02-28T23:59:59Z", "2024-02-29T00:00:00.000+00:00", "2025-06-01T12:30:15.123456-07:30")


@dataclass(frozen=True, slots=True)
class EventParts:
    """What a factory of either language is given. `newer` are the attributes that the 2.x line does not know."""

    attributes: dict[str, Any]
    extensions: dict[str, str | int | float | bool | None]
    newer: dict[str, Any]


def event_parts(seed: int, count: int) -> list[EventParts]:
    """`count` different sets of parts, always the same ones for a seed."""
    draw = _Draw(random.Random(seed))
    return [draw.event() for _ in range(count)]


def subjects(seed: int, count: int) -> list[Subject]:
    """`count` subjects made here, always with the same content for a seed."""
    draw = _Draw(random.Random(seed))
    return [draw.subject() for _ in range(count)]


class _Draw:
    def __init__(self, source: random.Random) -> None:
        self._random = source

    def event(self) -> EventParts:
        pick = self._random
        attributes: dict[str, Any] = {
            "id": pick.choice((self._uuid(), f"<{self._text(1, 20)}>", "order;7/ß")),
            "source": self._address(),
            "type": self._dotted(3, 5),
            "subject": pick.choice((self._address(), self.subject().encode())),
            "time": pick.choice(TIMES),
            "datacontenttype": pick.choice(CONTENT_TYPES),
            "data": self._object(3),
        }
        optional: dict[str, Any] = {
            "to": self._address(),
            "accesscontrol": self._text(1, 30),
            "redirectto": self._address(),
            "executionunits": pick.choice((0, 1, -2, -0.0, 0.5, 1e21, 1e-7, self._number())),
            "traceparent": f"00-{pick.getrandbits(128):032x}-{pick.getrandbits(64):016x}-01",
            "tracestate": "vendor=" + self._word(),
            "dataschema": f"#/{self._word()}/{self._word()}/1.{pick.randrange(20)}.0",
        }
        attributes |= {name: value for name, value in optional.items() if pick.random() < 0.6}
        extensions = {"x" + self._word(): self._scalar() for _ in range(pick.randrange(4))}
        newer: dict[str, Any] = {
            "parentid": pick.choice((None, self._uuid())),
            "domain": pick.choice((None, "human.inbox", "eu1")),
        }
        return EventParts(attributes, extensions, newer)

    def subject(self) -> Subject:
        pick = self._random
        return Subject.new(
            name=self._dotted(3, 4),
            version=f"{pick.randrange(12)}.{pick.randrange(12)}.{pick.randrange(12)}",
            execution_id=self._uuid(),
            initiator=self._dotted(3, 4),
            domain=pick.choice((None, "human.inbox", "eu1")),
            meta={self._text(1, 8): self._text(0, 20) for _ in range(pick.randrange(3))},
        )

    def _object(self, depth: int) -> dict[str, Any]:
        return {"k" + self._text(0, 8): self._json(depth - 1) for _ in range(self._random.randrange(1, 6))}

    def _json(self, depth: int) -> Any:
        shape = self._random.random()
        if depth > 0 and shape < 0.2:
            return self._object(depth)
        if depth > 0 and shape < 0.4:
            return [self._json(depth - 1) for _ in range(self._random.randrange(4))]
        return self._scalar()

    def _scalar(self) -> str | int | float | bool | None:
        return self._random.choice((None, True, False, self._text(0, 24), self._number()))

    def _number(self) -> int | float:
        pick = self._random
        return pick.choice(
            (
                pick.randrange(-(2**53) + 1, 2**53),
                pick.randrange(100),
                float(pick.randrange(-9, 1000)),
                -0.0,
                pick.uniform(-1, 1),
                pick.uniform(-1e6, 1e6),
                pick.choice((1, -1)) * pick.random() * 10.0 ** pick.randrange(-300, 300),
            )
        )

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _dotted(self, fewest: int, most: int) -> str:
        return ".".join(self._word() for _ in range(self._random.randint(fewest, most)))

    def _word(self) -> str:
        return "".join(self._random.choices(LETTERS + "0123456789", k=self._random.randint(1, 8)))

    def _text(self, shortest: int, longest: int) -> str:
        return "".join(self._random.choices(TEXT, k=self._random.randint(shortest, longest)))

    def _address(self) -> str:
        return "".join(self._random.choices(ADDRESS, k=self._random.randint(1, 30)))
