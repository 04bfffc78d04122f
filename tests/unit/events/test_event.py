"""An event is complete, checked and immutable from the moment it exists."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import ARVO_CONTENT_TYPE, Event, create_event
from tests.unit.events.payloads import Charge
from tests.unit.events.strategies import any_texts, attributes

if TYPE_CHECKING:
    from collections.abc import Callable


def _event(**changes: Any) -> Event[Any]:
    envelope: dict[str, Any] = {"type": "com.card.charge", "source": "com.web", "subject": "order/1", "data": {"a": 1}}
    return Event(**{**envelope, **changes})


def _refused(**changes: Any) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(InvalidEvent) as refusal:
        _event(**changes)
    return {issue.path: issue.message for issue in refusal.value.issues}


def test_what_is_not_given_is_made_up() -> None:
    event = _event()
    assert UUID(event.id).version == 4
    assert event.specversion == "1.0"
    assert event.to == "com.card.charge"
    assert event.datacontenttype == ARVO_CONTENT_TYPE
    made = datetime.fromisoformat(event.time)
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=1)
    assert event.time.endswith("+00:00")
    assert len(event.time) == len("2024-03-05T06:07:08.090+00:00")
    nullable = (event.dataschema, event.accesscontrol, event.redirectto, event.executionunits, event.domain)
    assert {*nullable, event.parentid, event.traceparent, event.tracestate} == {None}
    assert event.extensions == {}


def test_each_event_gets_an_id_of_its_own() -> None:
    assert len({_event().id for _ in range(100)}) == 100


@given(attributes)
def test_the_factory_encodes_what_the_constructor_then_takes(given_attributes: dict[str, Any]) -> None:
    event = create_event(**given_attributes)
    again = Event(**{name: getattr(event, name) for name in given_attributes}, **_made_up(event, given_attributes))
    assert again == event


def _made_up(event: Event[Any], given_attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("id", "time") if name not in given_attributes}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("id", "", "must not be empty"),
        ("id", None, "must be a string, not null"),
        ("id", "a\ud800", "lone surrogate"),
        ("source", "my shop", "encode_uri"),
        ("source", "%2F", "encode_uri"),
        ("type", "com.card", "three or more"),
        ("type", "com.card.charge\n", "three or more"),
        ("type", 5, "must be a string, not int '5'"),
        ("type", ["com.card.charge"], "must be a string, not list"),
        ("specversion", "0.3", "must be '1.0'"),
        ("subject", "", "must not be empty"),
        ("datacontenttype", "text/plain", "application/json"),
        ("datacontenttype", "application/jsonx", "application/json"),
        ("dataschema", "", "must not be empty"),
        ("time", "2024-03-05", "with offset"),
        ("time", "2023-02-29T00:00:00Z", "with offset"),
        ("time", "1900-02-29T00:00:00Z", "with offset"),
        ("time", "2024-04-31T00:00:00Z", "with offset"),
        ("time", "2024-03-05T06:07:08Z\n", "with offset"),
        ("time", "\uff12024-03-05T06:07:08Z", "with offset"),
        ("to", None, "must be set"),
        ("accesscontrol", "", "must not be empty"),
        ("redirectto", "a b", "encode_uri"),
        ("executionunits", float("inf"), "not a finite number"),
        ("executionunits", True, "must be a number"),
        ("executionunits", "1", "must be a number"),
        pytest.param("executionunits", 10**400, "too large", id="executionunits-beyond-floats"),
        ("traceparent", "", "must not be empty"),
        ("tracestate", "", "must not be empty"),
        ("parentid", "", "must not be empty"),
        ("domain", "Human", "human.review"),
        ("domain", ".", "human.review"),
        ("data", [], "JSON object or a pydantic model"),
        ("data", None, "JSON object or a pydantic model"),
        ("data", "{}", "JSON object or a pydantic model"),
        ("extensions", "x", "must be a mapping"),
        ("extensions", None, "must be a mapping"),
    ],
)
def test_a_bad_attribute_is_refused_by_name(name: str, value: object, problem: str) -> None:
    assert problem in _refused(**{name: value})[(name,)]


@pytest.mark.parametrize("time", ["2024-02-29T00:00:00Z", "2000-02-29T12:00Z", "2024-12-31T23:59:59.123456789-0800"])
def test_times_are_taken_as_they_are(time: str) -> None:
    assert _event(time=time).time == time


def test_everything_that_is_wrong_is_said_at_once() -> None:
    issues = _refused(id="", source="a b", type="x", domain="A", executionunits="x", extensions={"A": 1})
    assert issues.keys() == {("id",), ("source",), ("type",), ("domain",), ("executionunits",), ("extensions", "A")}


def test_the_message_stays_short_however_much_is_wrong() -> None:
    wrong = ("id", "type", "source", "subject", "to", "time", "domain", "parentid", "redirectto")
    with pytest.raises(InvalidEvent, match=r"and 4 more\.$") as refusal:
        _event(**dict.fromkeys(wrong, ""))
    assert len(refusal.value.issues) == len(wrong)


def test_a_refusal_of_long_values_stays_short() -> None:
    with pytest.raises(InvalidEvent) as refusal:
        _event(type="x" * 100_000, source="a b" * 100_000)
    assert len(str(refusal.value)) < 1000


def test_long_values_are_sound_too() -> None:
    for long in ({"source": "s/" * 5000}, {"subject": "x" * 50_000}, {"id": "é" * 5000}):
        event = _event(**long)
        assert Event.from_json(event.to_json()) == event
    assert _refused(subject="x y" * 5000).keys() == {("subject",)}


@pytest.mark.parametrize(
    ("extensions", "path", "problem"),
    [
        ({"Foo": 1}, "Foo", "lower-case letters"),
        ({"": 1}, "", "lower-case letters"),
        ({"a\n": 1}, "a\n", "lower-case letters"),
        ({5: 1}, "5", "lower-case letters"),
        ({"id": "x"}, "id", "attribute of every event"),
        ({"data": "x"}, "data", "attribute of every event"),
        ({"domain": "x"}, "domain", "attribute of every event"),
        ({"x": {}}, "x", "string, finite number, boolean or null"),
        ({"x": float("nan")}, "x", "string, finite number, boolean or null"),
        ({"x": "\ud800"}, "x", "lone surrogate"),
        ({"x": "a" * 9000}, "x", "longer than 8192"),
    ],
)
def test_a_bad_extension_is_refused_by_name(extensions: Any, path: str, problem: str) -> None:
    assert problem in _refused(extensions=extensions)[("extensions", path)]


def test_extensions_are_bounded_in_number() -> None:
    assert "more than 64" in _refused(extensions={f"x{n}": n for n in range(65)})[("extensions",)]
    assert len(_event(extensions={f"x{n}": n for n in range(64)}).extensions) == 64


def test_an_extension_may_be_called_extensions() -> None:
    event = _event(extensions={"extensions": "x"})
    assert Event.from_json(event.to_json()).extensions == {"extensions": "x"}


def test_extensions_are_the_events_own() -> None:
    given_extensions = {"a": 1}
    event = _event(extensions=given_extensions)
    given_extensions["a"] = 2
    assert event.extensions == {"a": 1}
    for held in (event, Event.from_json(event.to_json()), event.replace(extensions={"a": 1})):
        with pytest.raises(TypeError):
            cast("dict[str, int]", held.extensions)["a"] = 3


def test_an_event_cannot_be_changed() -> None:
    event = _event()
    for name in ("id", "data", "extensions", "anything"):
        with pytest.raises(AttributeError):
            setattr(event, name, "x")


def test_a_copy_with_changes_is_checked() -> None:
    event = _event(extensions={"a": 1})
    changed = event.replace(to="com.other", domain="human.review")
    assert (changed.to, changed.domain, changed.id, changed.time) == ("com.other", "human.review", event.id, event.time)
    assert changed.extensions == {"a": 1}
    assert changed.data == event.data
    with pytest.raises(InvalidEvent, match="domain"):
        event.replace(domain="A")


def test_other_data_goes_into_the_same_envelope() -> None:
    event = _event()
    charge = Charge(amount_cents=5)
    typed = event.with_data(charge)
    assert typed.data is charge
    assert typed.model is charge
    assert typed.to_dict() == {**event.to_dict(), "data": {"amountCents": 5}}
    assert event.data == {"a": 1}
    assert typed.with_data({"b": 2}).data == {"b": 2}
    with pytest.raises(InvalidEvent, match="JSON object or a pydantic model"):
        event.with_data(cast("Any", "text"))


def test_events_are_equal_when_they_say_the_same() -> None:
    event = _event(data=Charge(amount_cents=5))
    parsed = Event.from_json(event.to_json())
    assert event == parsed
    assert not event != parsed  # noqa: SIM202 - that the two agree is the point
    assert event != "event"
    assert event.__eq__("event") is NotImplemented
    assert len({event, parsed}) == 1
    assert event != event.replace(domain="x")
    assert event != _event(data=Charge(amount_cents=5))
    assert event != event.with_data({"amountCents": 6})


def test_events_are_copied_and_pickled() -> None:
    for event in (
        _event(extensions={"a": 1}),
        _event(data=Charge(amount_cents=5)),
        Event.from_dict(_event().to_dict()),
    ):
        assert copy.deepcopy(event) is event
        assert copy.copy(event) == event
        restored = pickle.loads(pickle.dumps(event))  # noqa: S301
        assert restored == event
        assert type(restored.data) is type(event.data)


def test_an_address_that_cannot_be_encoded_is_refused_by_name() -> None:
    envelope: dict[str, Any] = {"type": "com.a.b", "source": "s", "subject": "s", "data": {}}
    with pytest.raises(InvalidEvent, match="'redirectto' cannot be encoded") as refusal:
        create_event(redirectto="a\ud800", **envelope)
    assert [issue.path for issue in refusal.value.issues] == [("redirectto",)]


def test_the_factory_refuses_what_is_missing_or_unknown() -> None:
    create: Callable[..., Event[Any]] = create_event
    with pytest.raises(TypeError, match="source"):
        create(type="com.a.b", subject="s", data={})
    with pytest.raises(TypeError, match="colour"):
        create(type="com.a.b", source="s", subject="s", data={}, colour="red")


def test_the_repr_is_short_and_tells_the_data() -> None:
    assert 'data={"a":1}' in repr(_event())
    assert len(repr(_event(data={"a": "x" * 10_000}))) < 400


@given(
    st.sampled_from(["id", "source", "subject", "to", "redirectto", "parentid", "accesscontrol", "domain"]), any_texts
)
def test_whatever_the_text_it_is_taken_or_refused(name: str, text: str) -> None:
    envelope: dict[str, Any] = {"type": "com.a.b", "source": "s", "subject": "s", "data": {}, name: text}
    makers: tuple[Callable[..., Event[Any]], ...] = (Event, create_event)
    for make in makers:
        try:
            document = make(**envelope).to_json()
        except InvalidEvent as refusal:
            assert {issue.path[0] for issue in refusal.issues} == {name}  # noqa: PT017
        else:
            assert Event.from_json(document).to_json() == document
