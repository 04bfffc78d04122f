"""The part of ECMAScript that the SCXML tests' expressions need: compiled to closures, never run as code.

An expression is spelled as Python first, whose parser then does the reading.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

Scope: TypeAlias = Mapping[str, Any]
Value: TypeAlias = Callable[[Scope], Any]

_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|\w+|===|!==|==|!=|<=|>=|&&|\|\||\s+|[-+*<>!()\[\].,]""")
_SPELLINGS = {
    "===": "==",
    "!==": "!=",
    "&&": " and ",
    "||": " or ",
    "!": " not ",
    "true": "True",
    "false": "False",
    "null": "None",
    "undefined": "None",
}
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_FUNCTIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "Math.pow": lambda base, exponent: base**exponent,
    "[].concat": operator.add,
}
_UNKNOWN_WORDS = frozenset({"function", "in", "instanceof", "new", "typeof"})
_EVENT_FIELDS = frozenset({"name", "data"})


class OutOfSubsetError(Exception):
    """A test needs what a chart here does not have. `reason` is a key of the catalogue of tests left out."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Expression:
    """A function of the variables, `_event` among them, and the names of those that it reads."""

    value: Value
    names: frozenset[str]


@cache
def compile_expression(source: str) -> Expression:
    """The expression that a text stands for. Raises `OutOfSubsetError`."""
    compiler = _Compiler(source)
    value = compiler.value(_parse(source))
    return Expression(value, frozenset(compiler.names))


def _parse(source: str) -> ast.expr:
    tokens: list[str] = _TOKEN.findall(source)
    if "".join(tokens) != source or not _UNKNOWN_WORDS.isdisjoint(tokens):
        raise OutOfSubsetError("ecmascript", source)
    spelled = "".join([_SPELLINGS.get(token, token) for token in tokens])
    try:
        return ast.parse(spelled.strip(), mode="eval").body
    except SyntaxError as error:
        raise OutOfSubsetError("error_events", f"{source!r} is no expression") from error


class _Compiler:
    def __init__(self, source: str) -> None:
        self.source = source
        self.names: set[str] = set()

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=constant):
                return lambda _: constant
            case ast.Name(id=name):
                return self.variable(name)
            case ast.List(elts=elements):
                parts = [self.value(element) for element in elements]
                return lambda scope: [part(scope) for part in parts]
            case ast.Attribute(value=ast.Name(id="_event"), attr=field) if field not in _EVENT_FIELDS:
                raise OutOfSubsetError("event_fields", self.source)
            case ast.Attribute(value=holder, attr=key) | ast.Subscript(value=holder, slice=ast.Constant(value=key)):
                of = self.value(holder)
                return lambda scope: of(scope)[key]
            case _:
                return self.operation(node)

    def operation(self, node: ast.expr) -> Value:
        match node:
            case ast.UnaryOp(op=ast.Not() | ast.USub() as operation, operand=operand):
                inner = self.value(operand)
                return (
                    (lambda scope: not inner(scope)) if isinstance(operation, ast.Not) else lambda scope: -inner(scope)
                )
            case ast.BoolOp(op=joined, values=conditions):
                parts = [self.value(condition) for condition in conditions]
                together = all if isinstance(joined, ast.And) else any
                return lambda scope: together(part(scope) for part in parts)
            case (
                ast.BinOp(left=left, op=operation, right=right)
                | ast.Compare(left=left, ops=[operation], comparators=[right])
            ) if type(operation) in _OPERATORS:
                return self.both(_OPERATORS[type(operation)], left, right)
            case ast.Call(func=called, args=[left, right]) if ast.unparse(called) in _FUNCTIONS:
                return self.both(_FUNCTIONS[ast.unparse(called)], left, right)
            case _:
                raise OutOfSubsetError("ecmascript", self.source)

    def variable(self, name: str) -> Value:
        if name.startswith("_") and name != "_event":
            raise OutOfSubsetError("system_variables", self.source)
        self.names.add(name)
        return lambda scope: scope[name]

    def both(self, function: Callable[[Any, Any], Any], left: ast.expr, right: ast.expr) -> Value:
        first, second = self.value(left), self.value(right)
        return lambda scope: function(first(scope), second(scope))
