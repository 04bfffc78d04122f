"""The verdict on a chaos run can be guilty: each kind of wrong is found in an otherwise peaceful run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.acceptance.chaos.app import requests
from tests.acceptance.chaos.ledger import Closed
from tests.acceptance.chaos.run import quiet_run
from tests.acceptance.chaos.verdict import figures, wrongs
from tests.acceptance.chaos.witness import maker_of

if TYPE_CHECKING:
    from pathlib import Path

    from arvo.events import Event
    from tests.acceptance.chaos.run import Outcome
    from tests.acceptance.chaos.witness import Note

LEDGER = "chaos-0"


@pytest.fixture
def asked() -> list[Event[Any]]:
    """A ledger, with more than one entry, and some orders."""
    return list(requests(10, seed=3, stopping_at=0))


@pytest.fixture
async def quiet(asked: list[Event[Any]], tmp_path: Path) -> Outcome:
    return await quiet_run(asked, tmp_path / "quiet.log")


@pytest.fixture
async def found(asked: list[Event[Any]], tmp_path: Path) -> Outcome:
    """A second run, for a test to spoil."""
    return await quiet_run(asked, tmp_path / "found.log")


def begun(outcome: Outcome, *, handler: str) -> list[Note]:
    return [note for note in outcome.notes if note.what == "begin" and note.handler == handler and note.root == LEDGER]


def closed(outcome: Outcome) -> tuple[Event[Any], Closed]:
    event = outcome.answers[LEDGER][0][0]
    return event, Closed.model_validate_json(event.data_json)


def test_two_peaceful_runs_do_not_differ(quiet: Outcome, found: Outcome) -> None:
    assert wrongs(found, quiet) == []
    assert figures(found)["runs that came to nothing and were made again"] == 0


def test_a_lost_answer_is_found(quiet: Outcome, found: Outcome) -> None:
    del found.answers["chaos-1"]
    assert wrongs(found, quiet) == ["chaos-1: 0 answers"]


def test_a_doubled_answer_is_found(quiet: Outcome, found: Outcome) -> None:
    found.answers["chaos-1"] = [(found.answers["chaos-1"][0][0], 2)]
    assert wrongs(found, quiet) == ["chaos-1: 2 answers"]


def test_another_answer_is_found(quiet: Outcome, found: Outcome) -> None:
    event, count = found.answers["chaos-1"][0]
    found.answers["chaos-1"] = [(event.replace(type="arvo.orc.order.lost"), count)]
    (wrong,) = wrongs(found, quiet)
    assert wrong.startswith("chaos-1: answered ('arvo.orc.order.lost', ")


def test_what_is_left_is_found(quiet: Outcome, found: Outcome) -> None:
    found.left.append("a dead letter")
    assert wrongs(found, quiet) == ["left: a dead letter"]


def test_an_event_that_was_never_taken_is_found(quiet: Outcome, found: Outcome) -> None:
    lost = next(note for note in found.notes if note.handler == "com.card.charge")
    found.notes = [note for note in found.notes if note.run != lost.run]
    assert wrongs(found, quiet) == [f"0 deliveries of ('{lost.root}', 'com.card.charge') instead of 1"]


def test_an_event_that_two_runs_stored_is_found(quiet: Outcome, found: Outcome) -> None:
    doubled = begun(found, handler="com.ledger.post")[0]
    found.notes = [*found.notes, msgspec.structs.replace(doubled, run="again", maker="somebody else")]
    assert any(wrong.startswith(f"event {doubled.event} was stored by runs ") for wrong in wrongs(found, quiet))


def test_two_runs_of_one_event_that_both_count_are_found(quiet: Outcome, found: Outcome) -> None:
    first, second = begun(found, handler="com.ledger.post")[:2]
    found.notes = [
        msgspec.structs.replace(note, event=first.event) if note.run == second.run and note.what == "begin" else note
        for note in found.notes
    ]
    assert any(f"of event {first.event} all count" in wrong for wrong in wrongs(found, quiet))


def test_runs_of_one_subject_at_the_same_time_are_found(quiet: Outcome, found: Outcome) -> None:
    first, second = begun(found, handler="com.ledger.post")[:2]
    found.notes = [
        msgspec.structs.replace(note, at=second.at + 1) if note.run == first.run and note.what == "end" else note
        for note in found.notes
    ]
    assert wrongs(found, quiet) == [f"com.ledger.post: runs {first.run} and {second.run} of one subject overlap"]


def test_entries_out_of_order_are_found(quiet: Outcome, found: Outcome) -> None:
    event, ledger = closed(found)
    numbers = (ledger.numbers[1], ledger.numbers[0], *ledger.numbers[2:])
    turned = event.with_data({**event.data, "numbers": list(numbers)})
    found.answers[LEDGER] = [(turned, 1)]
    assert maker_of(turned) == maker_of(event)
    assert f"entries arrived as {numbers}" in wrongs(found, quiet)
