"""The vocabulary of the recorded statecharts: their named actions and guards, and their templates with holes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from arvo.statecharts import ActionQueue, Assign, Definition, EmitEvent, Enqueue, RaiseEvent, from_xstate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.statecharts import Effect

Json = Any
_MISSING = object()


def load_chart(config: Mapping[str, Json], document: Mapping[str, Json] | None = None) -> Definition:
    """The chart of a recorded config; or of `document`, an export of it, with the config's context and outputs."""
    template = config.get("context", {})
    return from_xstate(
        config if document is None else document,
        guards=GUARDS,
        actions=ACTIONS,
        context=lambda given: cast("dict[str, Json]", fill(template, {"$input": given})),
        outputs=dict(_outputs(config, (str(config["id"]),), "")),
    )


def at(value: Json, path: str) -> Json:
    """What stands at a dotted path of JSON, or the mark for nothing."""
    for key in path.split("."):
        if isinstance(value, dict) and key in value:
            value = cast("dict[str, Json]", value)[key]
        else:
            return _MISSING
    return value


def fill(template: Json, scope: Mapping[str, Json]) -> Json:
    """A template with its holes filled; a path that leads nowhere gives null."""
    if isinstance(template, list):
        listed: list[Json] = template  # pyright: ignore[reportUnknownVariableType]
        return [fill(part, scope) for part in listed]
    if not isinstance(template, dict):
        return template
    parts = cast("dict[str, Json]", template)
    if len(parts) == 1:
        [(hole, path)] = parts.items()
        if hole in scope:
            found = at(scope[hole], path)
            return None if found is _MISSING else found
    return {key: fill(part, scope) for key, part in parts.items()}


def _outputs(
    config: Mapping[str, Json], path: tuple[str, ...], key: str
) -> list[tuple[str, Callable[[Json, Json], Json]]]:
    here = (*path, key) if key else path
    found: list[tuple[str, Callable[[Json, Json], Json]]] = []
    if "output" in config:
        template = config["output"]
        state_id = str(config.get("id") or ".".join(here))
        found.append((state_id, lambda context, event: fill(template, {"$ctx": context, "$event": event})))
    for below, child in config.get("states", {}).items():
        found += _outputs(child, here, below)
    return found


def _event(context: Json, event: Json, params: Json) -> Json:
    data = fill(params.get("data", {}), {"$ctx": context, "$event": event})
    return {**data, "type": params["type"]}


def _number(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _copy(_: Json, event: Json, params: Json) -> dict[str, Json]:
    found = at(event, params["from"])
    return {params["key"]: None if found is _MISSING else found}


def _push(context: Json, _: Json, params: Json) -> dict[str, Json]:
    before = context.get(params["key"])
    return {params["key"]: [*(before if isinstance(before, list) else []), params["label"]]}


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]


def _when(_: Json, __: Json, params: Json, queue: ActionQueue) -> None:
    branch: Json = params["then"] if queue.check(params["guard"]) else params.get("else", [])
    for action in _listed(branch):
        if isinstance(action, str):
            queue.run(action)
        else:
            queue.run(action["type"], action.get("params"))


ACTIONS: dict[str, Effect] = {
    "tick": Assign(lambda context, _event, _params: {"ticks": _number(context.get("ticks")) + 1}),
    "inc": Assign(lambda context, _event, p: {p["key"]: _number(context.get(p["key"])) + p.get("by", 1)}),
    "set": Assign(lambda _context, _event, params: {params["key"]: params["value"]}),
    "push": Assign(_push),
    "copy": Assign(_copy),
    "emit": EmitEvent(_event),
    "raise": RaiseEvent(_event),
    "when": Enqueue(_when),
}


def _strictly_equal(found: Json, wanted: Json) -> bool:
    return found is not _MISSING and type(found) is type(wanted) and found == wanted


def _number_or_none(value: Json) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_above(context: Json, _: Json, params: Json) -> bool:
    found = _number_or_none(context.get(params["key"]))
    return found is not None and found > params["n"]


def _is_below(context: Json, _: Json, params: Json) -> bool:
    found = _number_or_none(context.get(params["key"]))
    return found is not None and found < params["n"]


def _event_equals(_: Json, event: Json, params: Json) -> bool:
    found = at(event, params["key"])
    return _strictly_equal(None if found is _MISSING else found, params["value"])


GUARDS: dict[str, Callable[[Json, Json, Json], object]] = {
    "yes": lambda _context, _event, _params: True,
    "no": lambda _context, _event, _params: False,
    "gt": _is_above,
    "lt": _is_below,
    "eq": lambda context, _event, params: _strictly_equal(context.get(params["key"], _MISSING), params["value"]),
    "has": lambda context, _event, params: params["key"] in context,
    "ev": _event_equals,
}
