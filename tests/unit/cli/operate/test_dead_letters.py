"""`arvo dead-letters`: what was given up is listed, shown, delivered again or thrown away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from arvo.ports import Completion, NewDeadLetter, NewDelivery
from tests.unit.cli.operate.conftest import a_letter, an_event, error_of

if TYPE_CHECKING:
    from arvo.ports import Store
    from tests.unit.cli.operate.conftest import Depot

WITHOUT_NUMBERS = "Give the numbers of dead letters; or --all, which --handler and --reason may narrow."


@pytest.fixture
def given_up(depot: Depot) -> Depot:
    """A store with three dead letters, numbered from 1."""
    assert depot.work(*map(a_letter, ("ada", "jo", "kim"))).code == 1
    return depot


def bury_nonsense(depot: Depot) -> int:
    """Have something given up that is no event."""

    async def bury(store: Store) -> int:
        event = an_event("x")
        await store.publish([NewDelivery(handler="com.b", event=event)])

        lease = timedelta(seconds=9)
        (claim,) = await store.claim("test", {"com.b": 1}, lanes=1, deliveries_per_lane=1, lease=lease)
        letter = NewDeadLetter(
            handler="com.b", event_id="x", event_json=b"\x1b[31mno event", reason="poison", error="no \x1b[31m event"
        )
        await store.finish([Completion(claim=claim, consumed=claim.deliveries, dead_letters=[letter])])
        return (await store.dead_letters())[-1].number

    return depot.look(bury)


def test_an_empty_list_says_so(depot: Depot) -> None:
    depot.work()
    done = depot.arvo("dead-letters", "list")
    assert (done.code, done.out, done.err) == (0, "", "There are no such dead letters.\n")


def test_letters_are_listed_with_what_went_wrong(given_up: Depot) -> None:
    done = given_up.arvo("dead-letters", "list")
    header, first, *_ = done.out.splitlines()
    assert header.split()[0] == "number"
    assert "exhausted" in first
    assert "com.post.send" in first
    assert first.endswith("ExecutionViolation: no post to ada")
    assert done.err == "Details: arvo dead-letters show NUMBER\n"


def test_the_list_has_pages_and_filters(given_up: Depot) -> None:
    bury_nonsense(given_up)
    first = given_up.arvo("dead-letters", "list", "--limit", "2", "--json")
    numbers = [each["number"] for each in first.objects]
    assert first.err == f"There are more: --after {numbers[-1]}\n"
    rest = given_up.arvo("dead-letters", "list", "--after", str(numbers[-1]), "--json").objects
    assert [each["event_id"] for each in rest] == ["post-kim", "x"]
    poison = given_up.arvo("dead-letters", "list", "--reason", "poison", "--json").objects
    assert [(each["kind"], each["event"]) for each in poison] == [("dead_letter", "\x1b[31mno event")]
    assert given_up.arvo("dead-letters", "list", "--handler", "com.c", "--json").objects == []


def test_a_letter_is_shown_with_traceback_and_event(given_up: Depot) -> None:
    done = given_up.arvo("dead-letters", "show", "1")
    assert "  attempts  1\n" in done.out
    assert "  error     ExecutionViolation: no post to ada\n" in done.out
    assert 'raise ExecutionViolation(f"no post to {event.data.to}")' in done.out
    assert '  "type": "com.post.send"' in done.out
    assert done.err == "Next: arvo dead-letters retry 1, or discard 1\n"
    (shown,) = given_up.arvo("dead-letters", "show", "1", "--json").objects
    assert shown["event"]["data"] == {"to": "ada"}
    assert shown["traceback"].startswith("Traceback")


def test_what_could_steer_a_terminal_is_not_printed(given_up: Depot) -> None:
    number = bury_nonsense(given_up)
    done = given_up.arvo("dead-letters", "show", str(number))
    assert "  event     ? (id x)\n" in done.out
    assert "\x1b[31m" not in done.out
    assert "\\x1b[31mno event" in done.out


def test_unknown_numbers_are_named(given_up: Depot) -> None:
    message = "There is no dead letter 99. They are listed by: arvo dead-letters list"
    assert error_of(given_up.arvo("dead-letters", "show", "99"), 1) == message
    done = given_up.arvo("dead-letters", "retry", "1", "98", "99")
    assert done.out.startswith("Delivered 1 dead letter again.")
    assert error_of(done, 1) == "There is no dead letter 98, 99."


def test_a_letter_that_is_retried_is_handled(given_up: Depot) -> None:
    given_up.mend()
    done = given_up.arvo("dead-letters", "retry", "2")
    assert (done.code, done.out) == (0, "Delivered 1 dead letter again. See what comes of it: arvo status\n")
    given_up.work()
    assert given_up.answers() == ["evt.post.send.success"]
    assert len(given_up.arvo("dead-letters", "list", "--json").objects) == 2


def test_all_are_retried_when_somebody_says_so(given_up: Depot) -> None:
    asked = given_up.arvo("dead-letters", "retry", "--all", given="n\n")
    assert asked.err.startswith("Deliver 3 dead letters again? [y/N]: ")
    assert error_of(asked, 1) == "Nothing was changed."
    (told,) = given_up.arvo("dead-letters", "retry", "--all", "--handler", "com.post.send", "-y", "--json").objects
    assert told == {"kind": "retried", "numbers": [1, 2, 3], "unknown": [], "unreadable": []}
    assert given_up.arvo("dead-letters", "list", "--json").objects == []


def test_what_is_no_event_can_only_be_discarded(given_up: Depot) -> None:
    number = bury_nonsense(given_up)
    done = given_up.arvo("dead-letters", "retry", "1", str(number))
    assert done.out.startswith("Delivered 1 dead letter again.")
    assert error_of(done, 1) == f"What {number} holds is no event, so it can only be discarded."
    assert given_up.arvo("dead-letters", "discard", str(number), "-y").out == "Removed 1 dead letter.\n"


def test_letters_are_discarded_when_somebody_says_so(given_up: Depot) -> None:
    asked = given_up.arvo("dead-letters", "discard", "1", given="n\n")
    assert error_of(asked, 1) == "Nothing was changed."
    assert given_up.arvo("dead-letters", "discard", "1", given="y\n").out.endswith("Removed 1 dead letter.\n")
    (told,) = given_up.arvo("dead-letters", "discard", "--all", "--reason", "exhausted", "-y", "--json").objects
    assert (told["kind"], told["numbers"]) == ("discarded", [2, 3])
    assert given_up.arvo("dead-letters", "discard", "--all", "--yes").out == "Removed 0 dead letters.\n"


@pytest.mark.parametrize("options", [(), ("1", "--all"), ("1", "--reason", "poison"), ("--handler", "com.b")])
def test_which_letters_are_meant_must_be_clear(depot: Depot, options: tuple[str, ...]) -> None:
    for command in ("retry", "discard"):
        assert error_of(depot.arvo("dead-letters", command, *options), 2) == WITHOUT_NUMBERS


def test_many_are_named_in_short(given_up: Depot) -> None:
    done = given_up.arvo("dead-letters", "discard", "-y", *map(str, range(100, 113)))
    assert error_of(done, 1) == ("There is no dead letter 100, 101, 102, 103, 104, 105, 106, 107, 108, 109 and 3 more.")
