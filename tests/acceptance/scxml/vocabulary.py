"""The named guards and actions of converted SCXML documents, over expressions that their parameters hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.statecharts import ActionQueue, Assign, Definition, Enqueue, RaiseEvent, from_xstate
from tests.acceptance.scxml.expressions import compile_expression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from arvo.statecharts import Effect

Json = dict[str, Any]
SENT = "scxml.send"
"""The type of the emitted event that carries a `send` and its delay to the session."""


def load_chart(document: Json) -> Definition:
    """The chart of a converted document."""
    outputs = dict(_outputs(document))
    return from_xstate(document, guards={"expression": _holds}, actions=ACTIONS, outputs=outputs)


def _outputs(state: Json) -> Iterator[tuple[str, Callable[[Json, Json], Any]]]:
    if payload := state.pop("output", None):
        yield state["id"], lambda context, event: _carried(payload, context, event)
    for child in state.get("states", {}).values():
        yield from _outputs(child)


def _value(source: str, context: Json, event: Json) -> Any:
    name = event["type"].removeprefix("xstate.")
    data = event.get("data", event.get("output"))
    return compile_expression(source).value({**context, "_event": {"name": name, "data": data}})


def _carried(payload: Json, context: Json, event: Json) -> Any:
    """What an event or a final state carries: named values, one value, or nothing."""
    if "value" in payload:
        return _value(payload["value"], context, event)
    return {name: _value(source, context, event) for name, source in payload.get("named", {}).items()} or None


def _holds(context: Json, event: Json, params: Json) -> bool:
    return bool(_value(params["source"], context, event))


def _assign(context: Json, event: Json, params: Json) -> Json:
    return {params["location"]: _value(params["source"], context, event)}


def _sent(context: Json, event: Json, params: Json) -> Json:
    made = {"type": _value(params["event"], context, event), "data": _carried(params["data"], context, event)}
    return {"type": SENT, "event": made, "delay": _value(params["delay"], context, event)}


def _send(context: Json, event: Json, params: Json, queue: ActionQueue) -> None:
    sent = _sent(context, event, params)
    if params["internal"]:
        queue.raise_event(sent["event"])
    else:
        queue.emit(sent)


def _run(actions: list[Json], queue: ActionQueue) -> None:
    for action in actions:
        queue.run(action["type"], action["params"])


def _choose(_: Json, __: Json, params: Json, queue: ActionQueue) -> None:
    for branch in params["branches"]:
        if branch["guard"] is None or queue.check(branch["guard"]):
            _run(branch["actions"], queue)
            return


def _loop(context: Json, event: Json, params: Json, queue: ActionQueue) -> None:
    for place, item in enumerate(_value(params["array"], context, event)):
        queue.assign({params["item"]: item} | ({params["index"]: place} if params["index"] else {}))
        _run(params["actions"], queue)


ACTIONS: Mapping[str, Effect] = {
    "assign": Assign(_assign),
    "raise": RaiseEvent(lambda _context, _event, params: {"type": params["event"]}),
    "send": Enqueue(_send),
    "if": Enqueue(_choose),
    "foreach": Enqueue(_loop),
}
