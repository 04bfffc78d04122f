"""Data is written as JavaScript writes it, whether a model or a mapping, and stays what it was."""

from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import pytest
from hypothesis import given
from pydantic import TypeAdapter

from arvo.errors import InvalidEvent
from arvo.events import Event
from arvo.events.data import model_as_json
from arvo.events.json_text import js_number
from tests.unit.events.payloads import Anything, Charge, Colour, Halved, Level, Measure, Nested, Numbers, Open
from tests.unit.events.strategies import finite, json_objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel


def _event(data: Any) -> Event[Any]:
    return Event(type="com.a.b", source="s", subject="s", data=data)


def test_a_model_is_shown_as_it_was_given_and_written_by_alias() -> None:
    charge = Charge(amount_cents=5)
    event = _event(charge)
    assert event.data is charge
    assert event.data_json == b'{"amountCents":5}'
    assert b'"data":{"amountCents":5},' in event.to_json()


def test_nested_models_are_written_by_their_own_serializers() -> None:
    nested = Nested(charges={"a": [Charge(amount_cents=1)]})
    assert _event(nested).data_json == b'{"charges":{"a":[{"amountCents":1}]},"level":1,"colour":"red"}'


@pytest.mark.parametrize(
    ("model", "written"),
    [
        (Measure(value=1.0), b'{"value":1,"note":null}'),
        (Measure(value=-0.0), b'{"value":0,"note":null}'),
        (Measure(value=1e21, note="1.0"), b'{"value":1e+21,"note":"1.0"}'),
        (Measure(value=1e16), b'{"value":10000000000000000,"note":null}'),
        (Measure(value=1e-7), b'{"value":1e-7,"note":null}'),
        (Anything(value=[2.0, {"a": 3.0}]), b'{"value":[2,{"a":3}]}'),
        (Open.model_validate({"x": 4.0}), b'{"x":4}'),
        (Halved(whole=10), b'{"whole":5}'),
    ],
)
def test_models_write_numbers_as_javascript_does(model: BaseModel, written: bytes) -> None:
    assert _event(model).data_json == written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_model_with_an_infinite_number_is_not_written(value: float) -> None:
    for model in (Measure(value=value), Anything(value={"a": [value]})):
        with pytest.raises(InvalidEvent, match="not a JSON number") as refusal:
            _event(model).to_json()
        assert refusal.value.issues[0].path[:2] == ("data", "value")
        with pytest.raises(InvalidEvent, match="not a JSON number"):
            _ = _event(model).data_json


def test_a_model_that_is_no_object_is_not_written() -> None:
    with pytest.raises(InvalidEvent, match="Numbers is not written as a JSON object"):
        _event(Numbers([1])).to_json()


def test_a_model_that_pydantic_cannot_write_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="Anything cannot be written") as refusal:
        model_as_json(Anything(value=object()))
    assert refusal.value.issues[0].path == ("data",)
    with pytest.raises(InvalidEvent, match="surrogates"):
        model_as_json(Anything(value="\ud800"))


@given(finite)
def test_a_number_is_spelled_as_the_specification_words_it(number: float) -> None:
    spelled = js_number(number)
    assert float(spelled) == number
    digits = spelled.lstrip("-").partition("e")[0].replace(".", "").strip("0")
    assert len(digits) <= 17
    assert ("e" in spelled) is (number != 0 and not 1e-6 <= abs(number) < 1e21)
    assert not spelled.endswith(".0")
    assert "e0" not in spelled.replace("e+0", "e0").replace("e-0", "e0")
    assert float(json.loads(spelled)) == number


@given(json_objects)
def test_a_mapping_stays_what_it_was(data: dict[str, Any]) -> None:
    event = _event(data)
    before, document = copy.deepcopy(data), event.to_json()
    data["later"] = 1
    for value in list(data.values()):
        if isinstance(value, list):
            cast("list[object]", value).append("later")
    assert event.data == before
    assert event.to_json() == document


def test_nobody_changes_the_data_of_an_event() -> None:
    data: Any = _event({"a": {"b": [1, {"c": 2}]}, "n": 1}).data
    inner, items = data["a"], data["a"]["b"]
    changes: tuple[Callable[[], object], ...] = (
        lambda: data.update(n=2),
        lambda: data.__setitem__("n", 2),
        lambda: data.pop("n"),
        lambda: data.setdefault("m", 1),
        lambda: inner.clear(),
        lambda: inner.popitem(),
        lambda: items.append(1),
        lambda: items.__setitem__(0, 2),
        lambda: items.__delitem__(0),
        lambda: items.sort(),
        lambda: items[1].__delitem__("c"),
    )
    for change in changes:
        with pytest.raises(TypeError, match=r"cannot be changed\. Make a copy of it first: (dict|list)\(\.\.\.\)"):
            change()
    with pytest.raises(TypeError):
        data |= {"x": 1}
    with pytest.raises(TypeError):
        items += [1]
    assert _event({"a": {"b": [1, {"c": 2}]}, "n": 1}).data == data


def test_read_only_data_is_a_dict_to_everybody_else() -> None:
    data: dict[str, Any] = _event({"a": [{"b": None}], "c": "d"}).data
    assert isinstance(data, dict)  # pyright: ignore[reportUnnecessaryIsInstance]
    assert data == {"a": [{"b": None}], "c": "d"}
    assert json.loads(json.dumps(data)) == data
    assert TypeAdapter(dict[str, list[dict[str, None]] | str]).validate_python(data) == data
    assert {**data, "c": "e"} == {"a": [{"b": None}], "c": "e"}
    for copied in (copy.copy(data), copy.deepcopy(data), pickle.loads(pickle.dumps(data))):  # noqa: S301
        assert copied == data
    match data:
        case {"a": [{"b": None}], "c": str() as text}:
            assert text == "d"
        case _:
            pytest.fail("the data did not match")
    changed = dict(data)
    changed["c"] = "e"
    assert data["c"] == "d"


def test_data_is_read_once() -> None:
    event = Event.from_json(_event({"a": {"b": 1}}).to_json())
    assert event.data is event.data
    assert event.model is None


def test_values_with_an_obvious_json_form_are_written_in_it() -> None:
    data: dict[str, Any] = {
        "date": date(2024, 3, 5),
        "time": datetime(2024, 3, 5, 6, 7, 8, tzinfo=UTC),
        "uuid": UUID(int=1),
        "decimal": Decimal("1.50"),
        "tuple": (1, 2),
        "mapping": MappingProxyType({"a": OrderedDict[str, float](b=1.0)}),
        "colour": Colour.RED,
        "level": Level.LOW,
    }
    assert _event(data).data == {
        "date": "2024-03-05",
        "time": "2024-03-05T06:07:08Z",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "decimal": "1.50",
        "tuple": [1, 2],
        "mapping": {"a": {"b": 1}},
        "colour": "red",
        "level": 1,
    }


class Name(str):
    __slots__ = ()


class Cents(int):
    pass


class Share(float):
    pass


def test_subclasses_of_plain_types_are_written_as_those() -> None:
    event = Event(
        type=Name("com.a.b"),
        source=Colour.RED,
        subject="s",
        data={Name("k"): [Name("v"), Cents(2), Share(0.5), Share(3)]},
        id=Name("1"),
        executionunits=Cents(3),
        extensions={"a": Cents(4), "b": Name("c"), "d": Share(2)},
    )
    document = json.loads(event.to_json())
    assert document["data"] == {"k": ["v", 2, 0.5, 3]}
    assert [document[name] for name in ("executionunits", "a", "b", "d")] == [3, 4, "c", 2]
    assert Event.from_json(event.to_json()) == event
    assert event.replace(extensions={}, executionunits=Share(2)).to_dict()["executionunits"] == 2
    assert b'"executionunits":3,' in event.replace(extensions={}).to_json()


@pytest.mark.parametrize(
    ("data", "path", "problem"),
    [
        ({"a": [1, {"b": float("nan")}]}, ("data", "a", 1, "b"), "nan is not a JSON number"),
        ({"a": (float("inf"),)}, ("data", "a", 0), "inf is not a JSON number"),
        ({"a": object()}, ("data",), "a object has no JSON form"),
        ({"a": timedelta}, ("data",), "a type has no JSON form"),
        ({None: 1}, ("data",), "a NoneType has no JSON form"),
        ({"a": "\ud800", "b": float("nan")}, ("data",), "not JSON compliant"),
        ({"a": "\ud800", "b": object()}, ("data",), "object"),
    ],
)
def test_what_has_no_json_form_is_refused(data: Any, path: tuple[str | int, ...], problem: str) -> None:
    with pytest.raises(InvalidEvent, match="must be a JSON object") as refusal:
        _event(data)
    assert refusal.value.issues[0].path == path
    assert problem in refusal.value.issues[0].message
