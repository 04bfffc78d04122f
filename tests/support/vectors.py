"""Loads the recorded vectors of the original system; every test that replays them goes through here."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vectors"


@dataclass(frozen=True, slots=True)
class Deviation:
    """A recorded behaviour that we do not copy, because `QUIRKS.md` calls it a defect of the original."""

    name_pattern: str
    quirk: int
    instead: str


def folder() -> Path:
    """The vectors folder: `ARVO_VECTORS`, or `shared/vectors` beside the checkout. Raises when it is not there."""
    found = Path(os.environ.get("ARVO_VECTORS") or DEFAULT_FOLDER)
    if not found.is_dir():
        raise FileNotFoundError(
            f"The vectors folder {found} does not exist. Set ARVO_VECTORS to the folder of the recorded vectors."
        )
    return found


def load(name: str) -> list[dict[str, Any]]:
    """All records of one vector file, for example `load("subject")`."""
    records: list[dict[str, Any]] = json.loads((folder() / f"{name}.json").read_text(encoding="utf-8"))
    return records


def record_name(record: dict[str, Any]) -> str:
    """The test id of a record."""
    return str(record["name"])
