"""Events cross between this package and the published npm packages, both ways, without losing anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from arvo.events import Event, create_event
from tests.interop.generated import event_parts
from tests.interop.node_packages import run_node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.interop.generated import EventParts

COUNT = 500


def made_here(parts: EventParts) -> Event[Any]:
    return create_event(**parts.attributes, **parts.newer, extensions=parts.extensions)


def made_there(parts: Iterable[EventParts]) -> list[str]:
    items = [{"event": each.attributes, "extensions": each.extensions} for each in parts]
    texts: list[str] = run_node("events.cjs", {"op": "make", "items": items})
    return texts


def as_2x_knows_it(text: str) -> str:
    """The JSON text without the two attributes that came with 3.x; they are the last two."""
    attributes = json.loads(text)
    tail = ",".join(f'"{name}":{json.dumps(attributes[name])}' for name in ("parentid", "domain"))
    assert text.endswith("," + tail + "}")
    return text.removesuffix("," + tail + "}") + "}"


def as_we_write_it(text: str) -> str:
    """The JSON text of a 2.x event with the attributes that it lacks."""
    return text[:-1] + ',"parentid":null,"domain":null}'


def test_events_made_here_are_read_there_unchanged(seed: int) -> None:
    ours = [made_here(parts).to_json().decode() for parts in event_parts(seed, COUNT)]

    read = run_node("events.cjs", {"op": "read", "items": ours})

    assert read == [as_2x_knows_it(text) for text in ours]


def test_events_carried_through_a_2x_process_come_back_equal(seed: int) -> None:
    ours = [made_here(parts).to_json().decode() for parts in event_parts(seed, COUNT)]

    carried = run_node("events.cjs", {"op": "carry", "items": ours})

    assert [Event.from_json(text).to_dict() for text in carried] == [Event.from_json(text).to_dict() for text in ours]


def test_events_made_there_are_read_here_and_written_unchanged(seed: int) -> None:
    theirs = made_there(event_parts(seed, COUNT))

    written = [Event.from_json(text).to_json().decode() for text in theirs]

    assert written == [as_we_write_it(text) for text in theirs]


def test_data_of_events_made_there_is_written_unchanged_after_it_was_parsed(seed: int) -> None:
    theirs = made_there(event_parts(seed, COUNT))

    written = [Event.from_dict(json.loads(text)).to_json().decode() for text in theirs]

    assert written == [as_we_write_it(text) for text in theirs]


def test_both_factories_make_the_same_event_of_the_same_parts(seed: int) -> None:
    parts = event_parts(seed, COUNT)

    ours = [create_event(**each.attributes, extensions=each.extensions).to_json().decode() for each in parts]

    assert ours == [as_we_write_it(text) for text in made_there(parts)]


def test_events_made_there_answer_here_under_their_attribute_names(seed: int) -> None:
    for parts, text in zip(event_parts(seed, COUNT), made_there(event_parts(seed, COUNT)), strict=True):
        event = Event.from_json(text)

        expected = json.loads(text)
        for name in ("id", "source", "type", "subject", "to", "redirectto", "accesscontrol", "executionunits"):
            assert getattr(event, name) == expected[name], name
        assert event.data == expected["data"]
        assert dict(event.extensions) == {name: expected[name] for name in parts.extensions}
        assert (event.parentid, event.domain) == (None, None)
