"""Models that stand for users' payloads: nothing of the contracts is needed to put them into events."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_serializer


class Charge(BaseModel):
    model_config = ConfigDict(frozen=True)

    amount_cents: int = Field(serialization_alias="amountCents")


class Measure(BaseModel):
    value: float
    note: str | None = None


class Level(IntEnum):
    LOW = 1


class Colour(StrEnum):
    RED = "red"


class Nested(BaseModel):
    charges: dict[str, list[Charge]]
    level: Level = Level.LOW
    colour: Colour = Colour.RED


class Anything(BaseModel):
    value: Any


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Halved(BaseModel):
    whole: int

    @field_serializer("whole")
    def halve(self, whole: int) -> float:
        return whole / 2


class Numbers(RootModel[list[int]]):
    pass
