"""Events made from a template are those that the constructor makes, and nothing unchecked gets into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import AnswerTemplate, Event, EventTemplate, RequestTemplate, create_event, derive_event_id
from tests.unit.events.payloads import Charge
from tests.unit.events.strategies import any_texts, attributes

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPLATE: dict[str, Any] = {
    "type": "evt.card.charged",
    "source": "com.card.charge",
    "dataschema": "#/card/1.0.0",
    "executionunits": 2.5,
}
REQUEST: dict[str, Any] = {"type": "com.card.charge", "dataschema": "#/card/1.0.0"}
any_addresses = any_texts | st.sampled_from(["com.web", "order/1", "", "a b", "\ud800", 5, None, b"com.web"])
CHARGED = Charge(amount_cents=1)


def _question(**changes: Any) -> Event[Any]:
    given: dict[str, Any] = {"type": "com.card.charge", "source": "com.web", "subject": "order/1", "data": {}}
    return create_event(**{**given, **changes})


@given(attributes)
def test_an_answer_is_what_the_constructor_makes(asked: dict[str, Any]) -> None:
    question = _question(**asked)
    answer = AnswerTemplate(**TEMPLATE).answer(question, CHARGED, position=3)
    assert answer.data is CHARGED
    assert answer == Event(
        **TEMPLATE,
        id=derive_event_id(question.source, question.id, "com.card.charge", 3, None),
        subject=question.subject,
        data=CHARGED,
        time=answer.time,
        to=question.source if question.redirectto is None else question.redirectto,
        accesscontrol=question.accesscontrol,
        parentid=question.id,
    )


@given(attributes)
def test_an_event_made_in_passing_is_what_the_constructor_makes(asked: dict[str, Any]) -> None:
    consumed = _question(**asked)
    template = EventTemplate(**TEMPLATE, redirectto="com.me")
    made = template.event(consumed, CHARGED, position=1, subject="order/2", parentid="0")
    assert made == Event(
        **TEMPLATE,
        id=derive_event_id(consumed.source, consumed.id, "com.card.charge", 1, None),
        subject="order/2",
        data=CHARGED,
        time=made.time,
        redirectto="com.me",
        accesscontrol=consumed.accesscontrol,
        parentid="0",
    )
    assert template.event(consumed, CHARGED, position=1, subject="a", parentid="0", to="com.you").to == "com.you"


def _outcome(make: Callable[[], Event[Any]]) -> object:
    try:
        made = make().to_dict()
    except InvalidEvent as refusal:
        return refusal.issues
    # What is made up for each event is looked at elsewhere.
    return {name: value for name, value in made.items() if name not in ("id", "time")}


@given(any_addresses, any_addresses)
def test_a_request_is_what_the_factory_makes_or_refuses(source: Any, subject: Any) -> None:
    by_template = _outcome(lambda: RequestTemplate(**REQUEST).request(CHARGED, source=source, subject=subject))
    assert by_template == _outcome(lambda: create_event(**REQUEST, source=source, subject=subject, data=CHARGED))


def test_each_request_has_an_id_and_a_time_of_its_own() -> None:
    template = RequestTemplate(**REQUEST)
    first, second = (template.request(CHARGED, source="com.web", subject="order/1") for _ in range(2))
    assert UUID(first.id).version == UUID(second.id).version == 4
    assert first.id != second.id
    assert abs(datetime.now(UTC) - datetime.fromisoformat(second.time)) < timedelta(minutes=1)


def test_answers_have_nothing_of_one_another() -> None:
    template = AnswerTemplate(**TEMPLATE)
    first = template.answer(_question(id="1", accesscontrol="role:cashier"), CHARGED, position=0)
    kept = first.to_dict()
    second = template.answer(_question(id="2", subject="order/2"), CHARGED, position=0)
    assert (second.subject, second.accesscontrol, second.parentid) == ("order/2", None, "2")
    assert first.to_dict() == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "charged"),
        ("source", "com card"),
        ("dataschema", ""),
        ("executionunits", float("nan")),
        ("executionunits", True),
    ],
)
def test_a_template_with_a_bad_attribute_is_not_made(name: str, value: Any) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        AnswerTemplate(**{**TEMPLATE, name: value})
    assert [issue.path for issue in refusal.value.issues] == [(name,)]


@pytest.mark.parametrize(
    ("question", "data"), [(CHARGED, CHARGED), (_question().to_dict(), CHARGED), (_question(), {})]
)
def test_only_events_are_answered_and_only_with_models(question: Any, data: Any) -> None:
    with pytest.raises(TypeError, match="is none"):
        AnswerTemplate(**TEMPLATE).answer(question, data, position=0)


@pytest.mark.parametrize("data", [{}, None, Charge], ids=repr)
def test_only_models_get_into_a_request(data: Any) -> None:
    with pytest.raises(TypeError, match="is none"):
        RequestTemplate(**REQUEST).request(data, source="com.web", subject="order/1")
