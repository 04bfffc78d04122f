"""What is logged during a run: readable, in its place, and not too much of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from arvo.cli.log_notes import LogNotes, place_in_user_code
from tests.unit.cli.events import a_charge, an_order

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

logger = logging.getLogger("arvo.some.room")


@pytest.fixture(autouse=True)
def unconfigured_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program that has not set up logging; pytest has."""
    monkeypatch.setattr("arvo.cli.log_notes.logging_is_set_up", lambda: False)


def noted(*, verbose: bool = False, times: int = 1) -> list[str]:
    notes: list[str] = []
    with LogNotes(notes.append, verbose=verbose):
        for number in range(times):
            logger.warning("number %s is odd", number)
        logger.info("by the way")
    logger.warning("too late")
    return notes


def test_warnings_are_noted_and_information_is_not() -> None:
    assert noted() == ["\x1b[33mwarning:\x1b[0m number 0 is odd"]


def test_verbose_notes_more() -> None:
    assert [note.split(" ", 1)[1] for note in noted(verbose=True)] == ["number 0 is odd", "by the way"]


def test_of_many_alike_the_first_are_noted_and_the_others_counted() -> None:
    assert [note.split(" ", 1)[1] for note in noted(times=10)][2:] == [
        "number 2 is odd",
        "more like: \x1b[33mwarning:\x1b[0m number 0 is odd",
    ]
    assert len(noted(verbose=True, times=10)) == 11


def test_a_program_with_logging_of_its_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert noted() == []


def test_the_level_of_the_logger_is_restored() -> None:
    before = logging.getLogger("arvo").level
    noted(verbose=True)
    assert logging.getLogger("arvo").level == before


def test_an_error_is_noted_with_its_message_and_the_line_of_the_user() -> None:
    notes: list[str] = []
    with pytest.raises(ValueError, match="seven") as caught:
        int("seven")
    with LogNotes(notes.append, verbose=False):
        logger.error("it failed.", exc_info=caught.value)
    place = f"({Path(__file__).relative_to(Path.cwd())}, line {caught.tb.tb_lineno})"
    reason = "invalid literal for int() with base 10: 'seven'"
    assert notes == [f"\x1b[31merror:\x1b[0m it failed. ValueError: {reason} {place}"]


def test_an_error_that_the_message_tells_already_is_not_told_twice() -> None:
    notes: list[str] = []
    with LogNotes(notes.append, verbose=False):
        logger.error("given up: ValueError: no", exc_info=ValueError("no"))
    assert notes == ["\x1b[31merror:\x1b[0m given up: ValueError: no"]


def test_the_line_of_the_user_is_found_behind_an_error_that_was_made_of_another() -> None:
    def fail() -> None:
        raise ValueError

    error = RuntimeError()
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        fail()
    error.__cause__ = caught.value
    assert "test_log_notes.py" in place_in_user_code(error)
    assert place_in_user_code(RuntimeError()) == ""


def test_notes_do_not_stand_in_the_middle_of_a_timeline(project: Project) -> None:
    project.write("events.jsonl", an_order(how="broken"), a_charge())
    done = project.run("--at-once", "1")
    first, second = done.err.splitlines()
    assert first.startswith("warning: Handler for 'com.card.charge', version 2.0.0, failed;")
    assert "KeyError: 'no such card' (shop.py, line " in first
    assert second.startswith("warning: Workflow arvo.orc.order failed on event ")
    rows = done.both.splitlines()
    place = rows.index(first)
    assert rows[place - 1] == ""
    assert rows[place + 2].startswith("com.card.charge charge-1 ")


def test_verbose_shows_tracebacks_and_what_the_app_may_be_missing(project: Project) -> None:
    project.write("events.jsonl", a_charge(how="broken"), a_charge(id="charge-2", how="loudly"))
    err = project.run("--verbose").err
    assert err.startswith("note: 'arvo.orc.order' calls #/people/ask/1.0.0, whose domain 'human' has no sink")
    assert '    raise KeyError("no such card")\nKeyError:' in err
    assert "info: charging" in err


def test_dead_letters_are_told_among_the_outcomes_alone(project: Project) -> None:
    project.write("events.jsonl", a_charge(how="never"))
    assert project.run().err == ""
