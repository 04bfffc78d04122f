"""What is handed to a store is checked where it is made, and named the same for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import DefinitionError, InvalidEvent
from arvo.events import Event, JsonObject
from arvo.ports.store import (
    Claim,
    Completion,
    Delivery,
    NewDeadLetter,
    NewDelivery,
    RecordWrite,
    Retention,
    RetryLater,
    StoredDeadLetter,
    StoredWorkflow,
    WorkflowStatus,
    delivery_key,
    lane_id,
)
from arvo.ports.store.identity import name_key
from arvo.ports.store.work import check_one_for_each_lane

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT: Event[JsonObject] = Event(id="e", source="com.web.shop", type="com.order.place", subject="order-1", data={})


def delivery(number: int) -> Delivery:
    return Delivery(number=number, key=uuid4(), event_json=EVENT.to_json(), arrived_at=NOW)


CLAIM = Claim(
    lane=lane_id("com.order.place", "order-1"),
    handler="com.order.place",
    token=1,
    priority=0,
    attempts=1,
    leased_until=NOW,
    deliveries=(delivery(3), delivery(5), delivery(8)),
    record_json=None,
    revision=4,
)


def test_names_of_lanes_and_deliveries_never_change() -> None:
    lane = lane_id("com.order.place", "order-1")

    assert lane == UUID("df832d4e-72f6-8eba-e474-d50b6e1dd500")
    assert delivery_key(lane, "event-1") == UUID("6061855e-5148-d877-059c-c48e3fed4c91")
    assert name_key("order-1") == UUID("56eea00b-bcad-2f0a-2ca2-cc13492405d7")


@given(st.text(), st.text(), st.text(), st.text())
def test_different_places_are_different_lanes(handler: str, subject: str, other: str, elsewhere: str) -> None:
    same = (handler, subject) == (other, elsewhere)
    separable = "\0" not in handler + other

    assert (lane_id(handler, subject) == lane_id(other, elsewhere)) is same or not separable


def test_a_delivery_knows_its_lane_and_when_it_is_due() -> None:
    at_once = NewDelivery(handler="com.order.place", event=EVENT)

    assert at_once.lane == CLAIM.lane
    assert at_once.due_at(NOW) is None
    assert replace(at_once, due=timedelta(minutes=1)).due_at(NOW) == NOW + timedelta(minutes=1)
    assert replace(at_once, due=NOW).due_at(NOW + timedelta(days=1)) == NOW


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"handler": ""}, "Event 'e' is on its way to no handler"),
        ({"priority": 2**15}, "priority=32768 is not between -32768 and 32767"),
        ({"due": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001
    ],
)
def test_a_delivery_that_no_store_could_keep_is_refused(wrong: dict[str, object], message: str) -> None:
    fields: dict[str, object] = {"handler": "com.order.place", "event": EVENT, **wrong}

    with pytest.raises(DefinitionError, match=message):
        NewDelivery(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("places", [(), (0,), (0, 1), (1, 2), (0, 1, 2), (2,)])
def test_a_completion_consumes_deliveries_of_its_claim_without_gaps(places: tuple[int, ...]) -> None:
    consumed = [CLAIM.deliveries[place] for place in places]

    assert list(Completion(claim=CLAIM, consumed=consumed).consumed) == consumed


@pytest.mark.parametrize("places", [(0, 2), (1, 0), (0, 0)])
def test_a_completion_with_gaps_or_out_of_order_is_refused(places: tuple[int, ...]) -> None:
    with pytest.raises(DefinitionError, match="in their order and without gaps"):
        Completion(claim=CLAIM, consumed=[CLAIM.deliveries[place] for place in places])


def test_a_completion_of_another_claims_delivery_is_refused() -> None:
    with pytest.raises(DefinitionError, match="consumes deliveries of its claim"):
        Completion(claim=CLAIM, consumed=[delivery(99)])


def test_a_completion_cannot_hold_and_retry() -> None:
    with pytest.raises(DefinitionError, match="not both"):
        Completion(claim=CLAIM, hold=True, retry=RetryLater(delay=timedelta(0), error="x"))


def test_an_event_without_a_domain_cannot_wait_for_one() -> None:
    with pytest.raises(DefinitionError, match="'e' has no domain to wait for"):
        Completion(claim=CLAIM, waiting=[EVENT])


def test_a_completion_expects_the_revision_of_its_claim_unless_told_otherwise() -> None:
    assert Completion(claim=CLAIM).expected_revision == 4
    assert Completion(claim=CLAIM, revision=0).expected_revision == 0


def test_two_completions_of_one_lane_are_refused() -> None:
    other = replace(CLAIM, lane=uuid4())

    check_one_for_each_lane([Completion(claim=CLAIM), Completion(claim=other)])
    with pytest.raises(DefinitionError, match="about the same lane"):
        check_one_for_each_lane([Completion(claim=CLAIM), Completion(claim=other), Completion(claim=CLAIM)])


@pytest.mark.parametrize("status", [status for status in WorkflowStatus if status is not WorkflowStatus.FAILED])
def test_only_what_has_failed_has_an_event_on_which_it_failed(status: WorkflowStatus) -> None:
    with pytest.raises(DefinitionError, match=f"that is {status} has not failed on any event"):
        RecordWrite(subject="s", record_json=b"{}", status=status, failed_on=EVENT.to_json())


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_texts_of_errors_can_be_kept_by_every_store(text: str) -> None:
    letter = NewDeadLetter(handler="h", event_id="e", event_json=b"{}", reason="poison", error=text, traceback=text)
    retry = RetryLater(delay=timedelta(0), error=text)

    for kept in (letter.error, letter.traceback, retry.error):
        assert "\0" not in kept
        assert kept.encode("utf-8").decode("utf-8") == kept
    if text.isprintable():
        assert retry.error == text


def test_stored_texts_are_decoded_when_somebody_looks() -> None:
    letter = NewDeadLetter(handler="h", event_id="e", event_json=b"no event", reason="poison", error="x")
    workflow = StoredWorkflow(
        number=1,
        handler="h",
        subject="s",
        status=WorkflowStatus.ACTIVE,
        record_json=b'{"b":1,"a":2}',
        revision=1,
        created_at=NOW,
        updated_at=NOW,
    )

    assert CLAIM.deliveries[0].event().id == "e"
    assert list(workflow.record().items()) == [("b", 1), ("a", 2)]
    assert replace(workflow, record_json=b"null").record() == {}
    assert workflow.failed_event() is None
    failed_event = replace(workflow, failed_on=EVENT.to_json()).failed_event()
    assert failed_event is not None
    assert failed_event.id == EVENT.id
    with pytest.raises(InvalidEvent):
        StoredDeadLetter(number=1, at=NOW, letter=letter).event()


def test_nothing_is_kept_for_less_than_no_time() -> None:
    with pytest.raises(DefinitionError, match="ended_workflows=-1 day, 0:00:00 is negative"):
        Retention(ended_workflows=timedelta(days=-1))
