"""The `cloudevents` package takes what we emit, in every mode, and we take what it emits."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from cloudevents.core.bindings.http import from_binary, from_http, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import Event, create_event, telemetry_attributes
from arvo.events.cloudevents import from_cloudevent, to_cloudevent
from tests.unit.events.payloads import Charge
from tests.unit.events.strategies import attributes

if TYPE_CHECKING:
    from cloudevents.core.base import BaseCloudEvent

FORMAT = JSONFormat()


def _without_nulls(event: Event[Any]) -> Event[Any]:
    """CloudEvents has no null: an extension that is null is one that is not there."""
    return event.replace(extensions={name: value for name, value in event.extensions.items() if value is not None})


@given(attributes)
def test_structured_mode_keeps_everything(given_attributes: dict[str, Any]) -> None:
    event = create_event(**given_attributes)
    received = from_structured(to_structured(to_cloudevent(event), FORMAT), FORMAT)
    assert from_cloudevent(received) == _without_nulls(event)


@given(attributes)
def test_binary_mode_keeps_everything_but_the_types_of_extensions(given_attributes: dict[str, Any]) -> None:
    event = create_event(**given_attributes)
    received = from_cloudevent(from_binary(to_binary(to_cloudevent(event), FORMAT), FORMAT))
    as_text = {name: str(value) for name, value in _without_nulls(event).extensions.items()}
    assert received == event.replace(extensions=as_text)


@given(attributes, st.text("abc/", min_size=1))
def test_our_documents_are_structured_cloudevents(given_attributes: dict[str, Any], dataschema: str) -> None:
    # The package takes the nulls of our wire format, except, against the specification, that of dataschema.
    envelope: dict[str, Any] = {**given_attributes, "dataschema": dataschema}
    event = create_event(**envelope)
    read = FORMAT.read(None, event.to_json())
    assert read.get_data() == event.to_dict()["data"]
    assert {name: value for name, value in read.get_attributes().items() if name != "time"} == {
        name: value for name, value in event.to_dict().items() if name not in ("time", "data")
    }


def test_a_payload_is_sent_as_plain_values() -> None:
    event = create_event(type="com.a.b", source="s", subject="s", data=Charge(amount_cents=5))
    assert to_cloudevent(event).get_data() == {"amountCents": 5}
    assert from_cloudevent(to_cloudevent(event)) == event


def _foreign(data: Any = None, **changes: Any) -> BaseCloudEvent:
    return CloudEvent({"type": "com.a.b", "source": "/s", "subject": "s", "id": "1", **changes}, data or {"a": 1})


def test_an_event_of_another_producer_is_read() -> None:
    event = from_cloudevent(_foreign(datacontenttype="application/json", traceparent="00-1"))
    assert (event.id, event.source, event.to, event.traceparent) == ("1", "/s", "com.a.b", "00-1")
    assert event.data == {"a": 1}


def test_a_subject_can_be_lent() -> None:
    cloudevent = CloudEvent({"type": "com.a.b", "source": "/s"}, {"a": 1})
    with pytest.raises(InvalidEvent, match="subject: is missing"):
        from_cloudevent(cloudevent)
    assert from_cloudevent(cloudevent, subject="lent").subject == "lent"
    assert from_cloudevent(_foreign(subject="own"), subject="lent").subject == "own"


@pytest.mark.parametrize(
    ("time", "written"),
    [
        (datetime(2024, 3, 5, 6, 7, 8, 90_000, UTC), "2024-03-05T06:07:08.090+00:00"),
        (datetime(2024, 3, 5, 6, 7, 8, 90_001, UTC), "2024-03-05T06:07:08.090001+00:00"),
        (datetime(2024, 3, 5, tzinfo=timezone(timedelta(hours=-8))), "2024-03-05T00:00:00.000-08:00"),
    ],
)
def test_times_are_written_in_milliseconds_unless_that_drops_some(time: datetime, written: str) -> None:
    assert from_cloudevent(_foreign(time=time)).time == written


def test_a_time_that_no_datetime_holds_is_refused() -> None:
    event = create_event(type="com.a.b", source="s", subject="s", data={}, time="0000-01-01T00:00:00Z")
    with pytest.raises(InvalidEvent, match="cannot be told as a datetime") as refusal:
        to_cloudevent(event)
    assert refusal.value.issues[0].path == ("time",)


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("-1.5", -1.5), ("1e3", 1000.0)])
def test_execution_units_sent_as_text_are_numbers_again(text: str, number: float) -> None:
    assert from_cloudevent(_foreign(executionunits=text)).executionunits == number


@pytest.mark.parametrize("units", ["", "x", "0x1", "1_000", "nan", "\u0661"])
def test_execution_units_that_are_no_number_are_refused(units: str) -> None:
    with pytest.raises(InvalidEvent, match="executionunits"):
        from_cloudevent(_foreign(executionunits=units))


@pytest.mark.parametrize("data", [b'{"a":1}', '{"a":1}'])
def test_data_left_as_text_is_parsed(data: str | bytes) -> None:
    assert from_cloudevent(_foreign(data)).data == {"a": 1}


@pytest.mark.parametrize("data", [b"\xff", "text", "\ud800", b"[1]", b"[" * 10_000])
def test_data_that_is_no_json_object_is_refused(data: str | bytes) -> None:
    with pytest.raises(InvalidEvent) as refusal:
        from_cloudevent(_foreign(data))
    assert refusal.value.issues[0].path == ("data",)


def test_a_cloudevent_without_data_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="data"):
        from_cloudevent(CloudEvent({"type": "com.a.b", "source": "/s", "subject": "s"}))


def test_http_binary_mode_works_with_the_plain_content_type() -> None:
    event = create_event(
        type="com.a.b", source="s", subject="s", data={"a": 1}, datacontenttype="application/json", executionunits=1.5
    )
    assert from_cloudevent(from_http(to_binary(to_cloudevent(event), FORMAT), FORMAT)) == event


def test_without_the_package_the_error_names_the_extra() -> None:
    script = "import sys; sys.modules['cloudevents'] = None; import arvo.events; import arvo.events.cloudevents"
    tried = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert tried.returncode == 1
    assert "pip install 'arvo-event-handler[cloudevents]'" in tried.stderr


def test_telemetry_names_what_is_absent() -> None:
    event = create_event(type="com.a.b", source="s", subject="s", data={}, executionunits=0, domain="d")
    told = telemetry_attributes(event)
    assert told["cloudevents.arvo.event_executionunits"] == 0
    assert told["cloudevents.arvo.event_domain"] == "d"
    assert told["cloudevents.arvo.event_parentid"] == "N/A"
