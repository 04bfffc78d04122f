"""Turns an SCXML document into a chart document of ours, whose guards and actions are those of `vocabulary`.

What a chart here does not have raises `OutOfSubsetError` with the reason; nothing is left out silently.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.acceptance.scxml.expressions import OutOfSubsetError, compile_expression

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from xml.etree.ElementTree import Element

Json = dict[str, Any]

INITIAL_KEY = "(initial)"
_STATES = ("state", "parallel", "final")
_REFUSED = {
    "invoke": "actors",
    "finalize": "actors",
    "script": "script",
    "cancel": "send_details",
}
_EVENT_PROCESSOR = "http://www.w3.org/TR/scxml/#SCXMLEventProcessor"
_IN = re.compile(r"(!?)In\('(\w+)'\)")


def convert(root: Element) -> Json:
    """The chart document of an SCXML document."""
    for element in root.iter():
        if (reason := _REFUSED.get(tag(element))) is not None:
            raise OutOfSubsetError(reason, tag(element))
    if root.get("binding") == "late":
        raise OutOfSubsetError("late_binding", "variables begin to exist when their state is entered")
    return _Converter(root).document()


def tag(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def below(element: Element, *tags: str) -> Iterator[Element]:
    """The children of these kinds."""
    return (child for child in element if tag(child) in tags)


class _Converter:
    def __init__(self, root: Element) -> None:
        self.root = root
        self.ids = {each: each.get("id", f"({tag(each)} {place})") for place, each in enumerate(root.iter())}
        data = [each for each in root.iter() if tag(each) == "data"]
        looped = [each.get(name, "") for each in root.iter() if tag(each) == "foreach" for name in ("item", "index")]
        self.declared = {"_event", *(each.attrib["id"] for each in data), *looped}
        self.context = {each.attrib["id"]: self.initial_value(each) for each in data}

    def document(self) -> Json:
        return {**self.state(self.root), "context": self.context}

    def initial_value(self, data: Element) -> Any:
        if "src" in data.attrib:
            raise OutOfSubsetError("files", data.attrib["src"])
        source = data.get("expr") or (data.text or "").strip()
        if len(data) or (source and "expr" not in data.attrib and not source.startswith("[")):
            raise OutOfSubsetError("inline_data", source)
        return compile_expression(source).value({}) if source else None

    def state(self, element: Element) -> Json:
        kind = tag(element)
        state: Json = {"id": self.ids[element]}
        if kind == "history":
            return state | self.history(element)
        if kind in ("parallel", "final"):
            state["type"] = kind
        for key, name in (("entry", "onentry"), ("exit", "onexit")):
            state[key] = [action for each in below(element, name) for action in self.actions(each)]
        for transition in below(element, "transition"):
            self.add_transition(state, transition)
        for donedata in below(element, "donedata"):
            state["output"] = self.payload(donedata)
        children = {self.ids[child]: self.state(child) for child in below(element, *_STATES, "history")}
        if children and kind != "parallel":
            state["initial"] = self.initial(element, children)
        return {**state, "states": children} if children else state

    def initial(self, element: Element, children: Json) -> Any:
        for explicit in below(element, "initial"):
            (transition,) = below(explicit, "transition")
            return self.default_entry(transition.attrib["target"], list(self.actions(transition)), children)
        if "initial" in element.attrib:
            return self.default_entry(element.attrib["initial"], [], children)
        return next(key for key, child in children.items() if child.get("type") != "history")

    def default_entry(self, targets: str, actions: list[Json], children: Json) -> Any:
        if targets in children:
            return {"target": targets, "actions": actions}
        # A chart's initial state is a child. Others are reached from one that is left at once.
        children[INITIAL_KEY] = {"always": {"target": references(targets), "actions": actions}}
        return INITIAL_KEY

    def history(self, element: Element) -> Json:
        (transition,) = below(element, "transition")
        if len(transition):
            raise OutOfSubsetError("history_actions", "the default transition of a history state has none here")
        targets = references(transition.attrib["target"])
        return {"type": "history", "history": element.get("type", "shallow"), "target": targets}

    def add_transition(self, state: Json, element: Element) -> None:
        transition: Json = {"actions": list(self.actions(element))}
        if "target" in element.attrib:
            transition["target"] = references(element.attrib["target"])
            transition["reenter"] = element.get("type") != "internal"
        if "cond" in element.attrib:
            transition["guard"] = self.guard(element.attrib["cond"])
        if "event" not in element.attrib:
            state.setdefault("always", []).append(transition)
        for name in element.get("event", "").split():
            state.setdefault("on", {}).setdefault(descriptor(name), []).append(transition)

    def guard(self, condition: str) -> Json:
        if found := _IN.fullmatch(condition):
            inside = {"type": "stateIn", "params": {"state": reference(found[2])}}
            return {"type": "not", "params": {"guard": inside}} if found[1] else inside
        return {"type": "expression", "params": {"source": self.checked(condition)}}

    def checked(self, source: str) -> str:
        unknown = compile_expression(source).names - self.declared
        if unknown:
            raise OutOfSubsetError("error_events", f"{source!r} reads {', '.join(unknown)}, which nothing declares")
        return source

    def actions(self, element: Iterable[Element]) -> Iterator[Json]:
        for each in element:
            params = self.params(each)
            if params is not None:
                yield {"type": tag(each), "params": params}

    def params(self, element: Element) -> Json | None:
        match tag(element):
            case "log":
                return None
            case "raise":
                return {"event": element.attrib["event"]}
            case "assign":
                location = element.attrib["location"]
                if location not in self.declared:
                    raise OutOfSubsetError("error_events", f"there is no {location!r} to assign to")
                return {"location": location, "source": self.checked(element.get("expr", ""))}
            case "if":
                return {"branches": list(self.branches(element))}
            case "foreach":
                if not element.attrib["item"].isidentifier():
                    raise OutOfSubsetError("error_events", "the item of a foreach is no variable")
                names = {"array": self.checked(element.attrib["array"]), "item": element.attrib["item"]}
                return {**names, "index": element.get("index"), "actions": list(self.actions(element))}
            case "send":
                return self.send(element)
            case other:
                raise OutOfSubsetError("ecmascript", f"<{other}>")

    def branches(self, element: Element) -> Iterator[Json]:
        """The branches of an `if`, whose `elseif` and `else` stand between the actions."""
        guard: Json | None = self.guard(element.attrib["cond"])
        held: list[Element] = []
        for each in element:
            if tag(each) not in ("elseif", "else"):
                held.append(each)
                continue
            yield {"guard": guard, "actions": list(self.actions(held))}
            guard, held = self.guard(each.attrib["cond"]) if tag(each) == "elseif" else None, []
        yield {"guard": guard, "actions": list(self.actions(held))}

    def send(self, element: Element) -> Json:
        target, kind = element.get("target", ""), element.get("type", _EVENT_PROCESSOR)
        if target not in ("", "#_internal") or kind != _EVENT_PROCESSOR:
            raise OutOfSubsetError("other_sessions", f"to {target!r} by {kind!r}")
        for detail in ("targetexpr", "typeexpr", "id", "idlocation"):
            if detail in element.attrib:
                raise OutOfSubsetError("send_details", detail)
        name = element.get("eventexpr") or repr(element.get("event"))
        return {
            "event": self.checked(name),
            "data": self.payload(element),
            "delay": self.checked(element.get("delayexpr") or repr(element.get("delay", "0s"))),
            "internal": target == "#_internal",
        }

    def payload(self, element: Element) -> Json:
        """What an event or a final state carries: named values, or one value."""
        named = {name: self.checked(name) for name in element.get("namelist", "").split()}
        for param in below(element, "param"):
            named[param.attrib["name"]] = self.checked(param.get("expr") or param.attrib["location"])
        for content in below(element, "content"):
            if "expr" not in content.attrib:
                raise OutOfSubsetError("inline_data", "content")
            return {"value": self.checked(content.attrib["expr"])}
        return {"named": named} if named else {}


def reference(state_id: str) -> str:
    """How a chart document refers to a state."""
    return "#" + state_id.replace(".", r"\.")


def references(state_ids: str) -> list[str]:
    """How a chart document refers to each state of a list."""
    return [reference(state_id) for state_id in state_ids.split()]


def descriptor(name: str) -> str:
    """An event descriptor, which in SCXML also matches every longer name."""
    name = name.removesuffix("*").removesuffix(".")
    if not name:
        return "*"
    return f"xstate.{name}.*" if name == "done" or name.startswith("done.") else f"{name}.*"
