"""`arvo inbox`: what waits for people is listed, shown with its answers, and answered so that workflows go on."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from arvo.backends.memory import InMemoryStore
from arvo.cli.failure import NotDoneError
from arvo.cli.operate.inbox import make_answer, question_of, store_answer, version_asked
from arvo.cli.references import load
from arvo.ports import WaitingEvent, WorkflowStatus
from arvo.runtime import App
from tests.unit.cli.operate.conftest import an_item, error_of

if TYPE_CHECKING:
    from arvo.ports import Store
    from tests.unit.cli.operate.conftest import Depot

APP = ("--app", "depot:app")
APPROVED = ("--type", "evt.human.ask.approved")


@pytest.fixture
def asked(depot: Depot) -> Depot:
    """A store with one workflow that waits for a person."""
    assert depot.work(an_item("lamp")).code == 0
    return depot


def test_an_empty_inbox_says_so(depot: Depot) -> None:
    depot.work()
    done = depot.arvo("inbox", "list")
    assert (done.code, done.out, done.err) == (0, "", "Nothing waits for an answer.\n")


def test_what_waits_is_listed_with_its_data(asked: Depot) -> None:
    done = asked.arvo("inbox", "list")
    header, row = done.out.splitlines()
    assert header.split("  ")[0] == "number"
    assert "com.human.ask" in row
    assert row.endswith('{"question":"May I take lamp?"}')
    assert "arvo inbox show ID --app MODULE:APP" in done.err


def test_the_list_has_pages_and_domains(depot: Depot) -> None:
    depot.work(*(an_item(str(number)) for number in range(5)))
    first = depot.arvo("inbox", "list", "--limit", "2", "--json")
    numbers = [each["number"] for each in first.objects]
    assert first.err == f"There are more: --after {numbers[-1]}\n"
    rest = depot.arvo("inbox", "list", "--after", str(numbers[-1]), "--json")
    assert len(rest.objects) == 3
    assert {each["kind"] for each in rest.objects} == {"waiting_event"}
    assert depot.arvo("inbox", "list", "--domain", "robots", "--json").objects == []


def test_an_event_is_shown_with_its_possible_answers(asked: Depot) -> None:
    id_ = asked.question()
    done = asked.arvo("inbox", "show", id_, *APP)
    assert '"question": "May I take lamp?"' in done.out
    assert "evt.human.ask.approved\n" in done.out
    assert '"required": ["by"]' in done.out.replace("\n", "").replace("      ", "").replace("    ", "")
    assert f"Next: arvo inbox answer {id_} --app depot:app --type evt.human.ask.approved" in done.err
    (shown,) = asked.arvo("inbox", "show", id_, *APP, "--json").objects
    assert shown["answers"]["evt.human.ask.refused"]["required"] == ["reason"]
    assert shown["event"]["id"] == id_


def test_without_the_app_an_event_is_shown_without_answers(asked: Depot) -> None:
    done = asked.arvo("inbox", "show", asked.question())
    assert done.code == 0
    assert "What it can be answered with is known to the app that asked: --app MODULE:APP" in done.err
    (shown,) = asked.arvo("inbox", "show", asked.question(), "--json").objects
    assert shown["answers"] is None


def test_an_answer_lets_the_workflow_go_on(asked: Depot) -> None:
    id_ = asked.question()
    done = asked.arvo("inbox", "answer", id_, *APP, *APPROVED, "--data", '{"by": "mara"}')
    assert done.code == 0, done.err
    assert done.out == "Stored evt.human.ask.approved for arvo.orc.item, and took the event off the list.\n"
    (number,) = asked.numbers("arvo.orc.item")
    assert "No worker serves arvo.orc.item now: arvo run depot:app --store ...\n" in done.err
    assert f"See how it goes on: arvo workflow show {number}\n" in done.err
    asked.work()
    assert asked.answers() == ["arvo.orc.item.done"]
    assert error_of(asked.arvo("inbox", "show", id_), 1).startswith(f"No event '{id_}' waits for an answer")


def test_an_answer_is_told_as_json(asked: Depot) -> None:
    done = asked.arvo("inbox", "answer", asked.question(), *APP, *APPROVED, "--data", '{"by": "mara"}', "--json")
    (told,) = done.objects
    assert (told["kind"], told["address"], told["served"]) == ("answered", "arvo.orc.item", False)
    assert told["reply"]["data"] == {"by": "mara"}
    assert [told["workflow"]] == asked.numbers("arvo.orc.item")


def test_data_comes_from_a_file_or_standard_input(depot: Depot) -> None:
    depot.work(an_item("lamp"), an_item("desk"))
    depot.project.write("yes.json", '{"by": "mara"}')
    assert depot.arvo("inbox", "answer", depot.question(), *APP, *APPROVED, "--data", "@yes.json").code == 0
    given = depot.arvo("inbox", "answer", depot.question(), *APP, *APPROVED, "--data", "-", given='{"by": "jo"}')
    assert given.code == 0
    depot.work()
    assert depot.answers() == ["arvo.orc.item.done"] * 2


def test_an_error_is_an_answer(asked: Depot) -> None:
    done = asked.arvo("inbox", "answer", asked.question(), *APP, "--error", "nobody knows")
    assert done.out.startswith("Stored sys.com.human.ask.error for arvo.orc.item")
    asked.work()
    assert asked.answers() == ["sys.arvo.orc.item.error"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "{}"), "#/people/ask/1.0.0 has 2 answers. Name one of them with --type."),
        (
            ("--type", "evt.human.ask.maybe", "--data", "{}"),
            "'evt.human.ask.maybe' is no answer of #/people/ask/1.0.0, which has evt.human.ask.approved, evt.human.",
        ),
        ((*APPROVED, "--data", '{"by": 7}'), "The data does not fit 'evt.human.ask.approved': by: "),
        ((*APPROVED, "--data", "{by"), "The data is not JSON: "),
    ],
)
def test_what_breaks_the_contract_is_refused_with_its_schemas(
    asked: Depot, options: tuple[str, ...], message: str
) -> None:
    done = asked.arvo("inbox", "answer", asked.question(), *APP, *options)
    assert error_of(done, 1).startswith(message)
    assert '"title": "Approved"' in done.err
    assert asked.question()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "{}"), "--app MODULE:APP is needed: the contract that says what is an answer"),
        (APP, "Give --data with the answer, or --error with the reason why there is none."),
        ((*APP, "--data", "{}", "--error", "no"), "Give --data with the answer, or --error"),
        ((*APP, *APPROVED, "--error", "no"), "--error has a type of its own. Leave --type out."),
        (("--app", "depot:nothing", "--data", "{}"), "'depot' has no 'nothing'. Did you mean 'depot:app'?"),
        (("--app", "nowhere:app", "--data", "{}"), "There is no module 'nowhere' in "),
        ((*APP, "--data", "@none.json"), "none.json cannot be read: No such file or directory."),
        ((*APP, "--data", "@bad.json"), "bad.json is not UTF-8: "),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(asked: Depot, options: tuple[str, ...], message: str) -> None:
    asked.project.write("bad.json", b"\xff")
    found = error_of(asked.arvo("inbox", "answer", asked.question(), *options), 2)
    assert found.startswith(message)
    assert asked.question()


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ('"com.human.ask"', '"com.human.beg"', "No contract of this app accepts 'com.human.ask', so it is not known"),
        ("    question: str", "    another: str", "The waiting event does not fit #/people/ask/1.0.0 of this app"),
        ('ask.version("1.0.0"', 'ask.version("2.0.0"', "The event was made for #/people/ask/1.0.0, and this app knows"),
    ],
)
def test_an_app_that_knows_nothing_of_the_event_cannot_answer(
    asked: Depot, was: str, becomes: str, message: str
) -> None:
    text = (asked.project.folder / "depot.py").read_text(encoding="utf-8")
    asked.project.write("other.py", text.replace(was, becomes))
    done = asked.arvo("inbox", "answer", asked.question(), "--app", "other:app", *APPROVED, "--data", '{"by": "x"}')
    assert error_of(done, 2).startswith(message)


def test_of_two_who_answer_one_is_told_that_he_came_late(asked: Depot) -> None:
    app = load("depot:app", App)

    async def late(store: Store) -> None:
        event = await question_of(store, (await store.waiting())[0].event_id)
        version = version_asked(app, event)
        answers = [make_answer(version, event, event_type=APPROVED[1], data=f'{{"by": "{by}"}}') for by in "ab"]
        await store_answer(app, store, event, answers[0])
        with pytest.raises(NotDoneError, match="Somebody else has answered event"):
            await store_answer(app, store, event, answers[1])

    asked.look(late)
    (queue,) = asked.look(lambda store: store.queues())
    assert (queue.handler, queue.deliveries) == ("arvo.orc.item", 1)


def test_what_waits_and_is_no_event_is_told() -> None:
    class Odd(InMemoryStore):
        """A store that somebody tampered with."""

        async def waiting_event(self, event_id: str) -> WaitingEvent:
            return WaitingEvent(number=1, event_id=event_id, domain="human", event_json=b"{}", since=datetime.now(UTC))

    async def ask() -> None:
        async with Odd() as store:
            await question_of(store, "x")

    with pytest.raises(NotDoneError, match="What waits under 'x' is no event: "):
        asyncio.run(ask())


def test_answers_must_have_somewhere_to_go(asked: Depot) -> None:
    text = (asked.project.folder / "depot.py").read_text(encoding="utf-8")
    other = text.replace("handlers=[get_item, pack_bundle, send_post]", "handlers=[send_post], external=[ask]")
    asked.project.write("other.py", other)
    done = asked.arvo("inbox", "answer", asked.question(), "--app", "other:app", *APPROVED, "--data", '{"by": "x"}')
    assert error_of(done, 2).startswith("No handler of this app answers to 'arvo.orc.item'")


def test_events_are_taken_off_the_list_when_somebody_says_so(asked: Depot) -> None:
    id_ = asked.question()
    assert error_of(asked.arvo("inbox", "discard", id_, given="n\n"), 1) == "Nothing was changed."
    nobody = asked.arvo("inbox", "discard", id_)
    assert error_of(nobody, 1) == "Nothing was changed. Give --yes where nobody can be asked."
    done = asked.arvo("inbox", "discard", id_, "none", "--yes")
    assert done.out == "Took 1 of 2 events off the list.\n"
    assert error_of(done, 1) == "No event waits under none."
    again = asked.arvo("inbox", "discard", id_, "-y", "--json")
    assert json.loads(again.out) == {"kind": "discarded", "event_ids": []}
    (workflow,) = asked.look(lambda store: store.workflows())
    assert workflow.status is WorkflowStatus.ACTIVE
