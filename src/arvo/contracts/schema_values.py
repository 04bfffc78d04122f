"""The leaves of imported JSON Schemas: strings, numbers, enumerations and unions as validators for Pydantic.

A value is never coerced: `true` is no number, `"1"` neither. Objects, arrays and references are in `schema_import.py`.
"""

from __future__ import annotations

import json
import operator
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, LiteralString, Union, cast

from pydantic import BaseModel
from pydantic_core import PydanticCustomError, SchemaError, SchemaValidator, core_schema

from arvo.contracts.documents import Path, is_array, refused
from arvo.contracts.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = [
    "boolean",
    "checked",
    "cost_of_pattern",
    "distinct",
    "either",
    "enumeration",
    "nothing",
    "null",
    "number",
    "size",
    "string",
]


@dataclass(frozen=True, slots=True, eq=False)
class _Core:
    """Gives an annotation exactly this validator."""

    schema: CoreSchema

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self.schema


@dataclass(frozen=True, slots=True, eq=False)
class _OneError:
    """Makes a union say once that nothing in it fits, instead of once for each member."""

    expected: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self._applied(handler(source))

    def _applied(self, schema: CoreSchema) -> CoreSchema:
        if schema["type"] == "nullable":
            return core_schema.nullable_schema(self._applied(schema["schema"]))
        if schema["type"] != "union":
            return schema
        return core_schema.union_schema(
            schema["choices"],
            mode="left_to_right",
            custom_error_type="union",
            custom_error_message=f"Input should be {self.expected}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Check:
    """Adds a test to an annotation."""

    test: Callable[[Any], bool]
    code: LiteralString
    expected: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: Any) -> Any:
        if not self.test(value):
            raise PydanticCustomError(self.code, "Input should be {expected}", {"expected": self.expected})
        return value


boolean: Any = Annotated[Any, _Core(core_schema.bool_schema(strict=True))]
null: Any = None
nothing: Any = Annotated[Any, _Check(lambda _: False, "never", "absent: its schema allows no value")]


def checked(annotation: Any, test: Callable[[Any], bool], code: LiteralString, expected: str) -> Any:
    """The annotation with a test of its own; `expected` completes "Input should be"."""
    return Annotated[annotation, _Check(test, code, expected)]


def string(schema: Mapping[str, Any], path: Path) -> Any:
    """A string with its lengths, pattern and format."""
    pattern = schema.get("pattern")
    shape = core_schema.str_schema(
        strict=True, min_length=size(schema, "minLength", path), max_length=size(schema, "maxLength", path)
    )
    if pattern is not None:
        shape["pattern"] = _pattern(pattern, (*path, "pattern"))
    annotation: Any = Annotated[Any, _Core(shape)]
    name = schema.get("format")
    test = FORMATS.get(name) if isinstance(name, str) else None
    return annotation if test is None else checked(annotation, test, "format", f"a string of format {name!r}")


def cost_of_pattern(pattern: str) -> int:
    """About what it takes to compile a pattern, in units of a `Budget`: repetitions are written out for that."""
    once, grouped = 0, 1
    for atom, least, most in _ATOMS.findall(pattern):
        times = int(most or least or 1)
        if atom == ")":
            grouped *= times
        else:
            once += times * (_RANGES_OF_UNICODE_CLASS if len(atom) > 1 else 1)
    return once * grouped // 10


def number(schema: Mapping[str, Any], path: Path, *, integer: bool) -> Any:
    """A number with its bounds. JSON has one kind of numbers, so an integer may also be written `1.0`."""
    kind: Any = Annotated[Any, _Core(_INTEGER if integer else _NUMBER)]
    tests: list[Callable[[Any], bool]] = []
    expected: list[str] = []
    for keyword, (words, holds) in _BOUNDS.items():
        if keyword in schema:
            bound = _bound(schema[keyword], (*path, keyword))
            tests.append(partial(holds, bound))
            expected.append(f"{words} {bound}")
    if not tests:
        return kind
    return checked(kind, lambda value: all(test(value) for test in tests), "bounds", " and ".join(expected))


def enumeration(values: Any, path: Path) -> Callable[[Any], Any]:
    """What limits an annotation to some values."""
    if not is_array(values) or not values:
        raise refused(path, "an enumeration needs a list of at least one value", "List the values that are allowed.")
    shown = ", ".join(json.dumps(value)[:40] for value in values[:20]) + (", ..." if len(values) > 20 else "")
    keys = {_identity(value) for value in values}
    expected = f"one of {shown}" if len(values) > 1 else shown
    return lambda annotation: checked(annotation, lambda value: _identity(value) in keys, "enum", expected)


def either(annotations: Sequence[Any], expected: str) -> Any:
    """The first of some annotations that a value fits."""
    return Annotated[Union[tuple(annotations)], _OneError(expected)]  # noqa: UP007 - there is no other way to spell it


def distinct(values: Sequence[Any]) -> bool:
    """Whether no two JSON values are the same."""
    return len({_identity(value) for value in values}) == len(values)


def size(schema: Mapping[str, Any], keyword: str, path: Path) -> int | None:
    """A length, where the schema limits one."""
    value = schema.get(keyword)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_SIZE:
        raise refused((*path, keyword), f"{value!r} is not a length", f"Use an integer between 0 and {_MAX_SIZE}.")
    return value


_MAX_SIZE = 2**31 - 1
_ATOMS = re.compile(r"(\\[wW]|\\[pP]\{[^}]*\}|.)(?:\{([0-9]{1,6})(?:,([0-9]{0,6}))?\})?", re.DOTALL)
_RANGES_OF_UNICODE_CLASS = 20
_FLOAT = core_schema.float_schema(strict=True, allow_inf_nan=False)
_NUMBER = core_schema.union_schema(
    [core_schema.int_schema(strict=True), _FLOAT],
    mode="left_to_right",
    custom_error_type="number",
    custom_error_message="Input should be a number",
)
_INTEGER = core_schema.union_schema(
    [
        core_schema.int_schema(strict=True),
        core_schema.no_info_after_validator_function(
            int, core_schema.float_schema(strict=True, allow_inf_nan=False, multiple_of=1)
        ),
    ],
    mode="left_to_right",
    custom_error_type="integer",
    custom_error_message="Input should be an integer",
)
_BOUNDS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        "minimum": ("at least", operator.le),
        "exclusiveMinimum": ("more than", operator.lt),
        "maximum": ("at most", operator.ge),
        "exclusiveMaximum": ("less than", operator.gt),
        "multipleOf": ("a multiple of", lambda unit, value: Fraction(repr(value)) % Fraction(repr(unit)) == 0),
    }
)


def _bound(value: Any, path: Path) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool) or (path[-1] == "multipleOf" and value <= 0):
        raise refused(path, f"{value!r} is not a bound", "Use a number; multipleOf needs a positive one.")
    return value


def _pattern(pattern: Any, path: Path) -> str:
    if isinstance(pattern, str):
        try:
            SchemaValidator(core_schema.str_schema(pattern=pattern))
        except SchemaError as error:
            problem = f"the pattern {pattern[:80]!r} cannot be used: {str(error).splitlines()[-1].strip()}"
            fix = "Write it without look-around and back references, so that it runs in linear time."
            raise refused(path, problem, fix) from error
        return pattern
    raise refused(path, f"{pattern!r} is not a pattern", "Use a regular expression in a string.")


def _identity(value: Any) -> Any:
    """A key that two JSON values share if they are equal: `1` and `1.0` are, `1` and `true` are not."""
    match value:
        case bool():
            return ("boolean", value)
        case BaseModel():
            return _identity(value.model_dump())
        case dict():
            members = cast("dict[str, Any]", value)
            return frozenset((key, _identity(member)) for key, member in members.items())
        case list() | tuple():
            return tuple(_identity(item) for item in cast("Sequence[Any]", value))
        case _:
            return value
