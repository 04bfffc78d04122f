"""The vectors' expression language, and the version scripts that stand in for user code (see the vectors' README).

Expressions see JSON only, and follow JavaScript where the two languages differ. Nothing here knows a handler.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

from arvo.errors import ConfigViolation, ContractViolation, ExecutionViolation, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Scope = Mapping[str, Any]

__all__ = ["evaluate", "run_script", "throw"]


def run_script(script: Mapping[str, Any], scope: Scope) -> Any:
    """What the script returns (None for `nothing`, and when no case matches). Raises what it throws."""
    if "cases" in script:
        for case in script["cases"]:
            if "when" not in case or evaluate(case["when"], scope) is True:
                return run_script(case, scope)
        return None
    if "throw" in script:
        throw(script["throw"], scope)
    return evaluate(script.get("return"), scope)


def throw(thrown: Mapping[str, Any], scope: Scope) -> NoReturn:
    """Raise what stands for the thrown value; a plain error is of a class named like the recorded one."""
    message = str(evaluate(thrown["message"], scope))
    match thrown["kind"]:
        case "execution":
            raise ExecutionViolation(message)
        case "contract":
            raise ContractViolation(message)
        case "config":
            raise ConfigViolation(message)
        case "custom_violation":
            raise type(str(thrown["type"]), (Violation,), {"kind": thrown["type"]})(message)
        case "error" | "string":
            raise type(str(thrown.get("name", "Error")), (Exception,), {})(message)
        case unknown:
            raise ValueError(f"The script throws {unknown!r}, which is none of the kinds the vectors describe.")


def evaluate(expression: Any, scope: Scope) -> Any:
    """The JSON value of an expression."""
    if isinstance(expression, list):
        return [evaluate(item, scope) for item in cast("Sequence[Any]", expression)]
    if not isinstance(expression, dict):
        return expression
    members = cast("Mapping[str, Any]", expression)
    if len(members) == 1:
        ((name, operand),) = members.items()
        if name.startswith("$"):
            return _apply(name, operand, scope)
    return {key: evaluate(value, scope) for key, value in members.items()}


def _apply(name: str, operand: Any, scope: Scope) -> Any:
    match name:
        case "$get":
            return _get(scope, operand)
        case "$lit":
            return operand
        case "$if":
            condition, then, otherwise = operand
            return evaluate(then if evaluate(condition, scope) is True else otherwise, scope)
        case "$map":
            items, each = operand
            return [
                evaluate(each, {**scope, "item": item, "index": index})
                for index, item in enumerate(evaluate(items, scope) or ())
            ]
        case _:
            return _OPERATORS[name](evaluate(operand, scope))


def _get(scope: Any, path: Sequence[str | int]) -> Any:
    found: Any = scope
    for part in path:
        if isinstance(found, list):
            found = _at(cast("Sequence[Any]", found), part)
        elif isinstance(found, Mapping):
            found = cast("Mapping[str, Any]", found).get(str(part))
        else:
            return None
    return found


def _at(items: Sequence[Any] | None, index: str | int) -> Any:
    position = int(index)
    return items[position] if items is not None and 0 <= position < len(items) else None


def _equal(pair: Sequence[Any]) -> bool:
    """JavaScript's `===` on JSON values: a boolean is no number, and no object equals another."""
    left, right = pair
    if isinstance(left, list | dict):
        return left is right
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _compare(compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Any]], bool]:
    def compared(pair: Sequence[Any]) -> bool:
        left, right = pair
        if isinstance(left, str) and isinstance(right, str):
            return compare(left, right)
        return compare(_number(left), _number(right))

    return compared


def _number(value: Any) -> Any:
    if value is None:
        return 0
    if isinstance(value, str | list | dict):
        return math.nan
    return value


def _add(pair: Sequence[Any]) -> Any:
    if any(isinstance(part, str) for part in pair):
        return _concat(pair)
    return _number(pair[0]) + _number(pair[1])


def _divide(pair: Sequence[Any]) -> Any:
    left, right = _number(pair[0]), _number(pair[1])
    if right == 0:
        return math.nan if left == 0 else math.copysign(math.inf, left)
    quotient = left / right
    return int(quotient) if quotient.is_integer() else quotient


def _concat(parts: Sequence[Any]) -> str:
    return "".join(_text(part) for part in parts)


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _merge(objects: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for members in objects:
        merged.update(members or {})
    return merged


_OPERATORS: dict[str, Callable[[Any], Any]] = {
    "$add": _add,
    "$sub": lambda pair: _number(pair[0]) - _number(pair[1]),
    "$mul": lambda pair: _number(pair[0]) * _number(pair[1]),
    "$div": _divide,
    "$concat": _concat,
    "$eq": _equal,
    "$ne": lambda pair: not _equal(pair),
    "$gt": _compare(lambda left, right: left > right),
    "$gte": _compare(lambda left, right: left >= right),
    "$lt": _compare(lambda left, right: left < right),
    "$lte": _compare(lambda left, right: left <= right),
    "$and": lambda values: all(value is True for value in values),
    "$or": lambda values: any(value is True for value in values),
    "$not": lambda value: value is not True,
    "$len": lambda value: 0 if value is None else len(value),
    "$append": lambda pair: [*(pair[0] or ()), pair[1]],
    "$merge": _merge,
    "$at": lambda pair: _at(pair[0], pair[1]),
    "$sum": lambda values: sum(_number(value) for value in values or ()),
}
