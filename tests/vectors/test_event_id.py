"""Replays `event_id.json`: the three kinds of event id, and reading a managed one back."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

import pytest

from arvo.errors import InvalidEvent
from arvo.events import create_event, managed_event_id, parse_managed_event_id
from tests.support.vectors import load, record_name
from tests.vectors.deviations_event_id import DEVIATIONS

RECORDS = load("event_id")


@pytest.mark.parametrize("record", [r for r in RECORDS if "id" in r["input"]], ids=record_name)
def test_a_managed_id_gives_back_what_it_holds(record: dict[str, Any]) -> None:
    parsed = parse_managed_event_id(record["input"]["id"])
    expected = record["output"]["parsed"]
    assert (None if parsed is None else {"uuid": parsed.uuid, "value": parsed.value}) == expected


@pytest.mark.parametrize("record", [r for r in RECORDS if "create" in r["input"]], ids=record_name)
def test_an_id_is_made_as_asked_for(record: dict[str, Any]) -> None:
    strategy, expected = record["input"]["create"], record["output"]
    if any(fnmatchcase(record["name"], deviation.name_pattern) for deviation in DEVIATIONS):
        assert expected["kind"] == "uuid4"
        with pytest.raises(InvalidEvent):
            _create(strategy)
        return
    made = _create(strategy)
    if expected["kind"] == "uuid4":
        assert UUID(made).version == 4
    elif expected["kind"] == "literal":
        assert made == expected["id"]
    else:
        managed = parse_managed_event_id(made)
        assert managed is not None
        assert managed.value == expected["value"]
        assert UUID(managed.uuid).version == 4


def _create(strategy: dict[str, str] | None) -> str:
    """The original's strategies, in our words: no id, an id of one's own, a managed id."""
    envelope: dict[str, Any] = {"type": "com.a.b", "source": "com.a.b", "subject": "s", "data": {}}
    if strategy is None:
        return create_event(**envelope).id
    match strategy["deduplication"]:
        case "DEVELOPER_MANAGED":
            return create_event(id=strategy["value"], **envelope).id
        case "ARVO_MANAGED":
            return create_event(id=managed_event_id(strategy["value"]), **envelope).id
        case other:
            raise InvalidEvent(f"There is no strategy {other!r} to ask for: the API has a parameter, not a name.")
