"""Random statecharts in the vocabulary of the recorded ones, with inputs and events to try on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

Json = Any

EVENTS = ("go", "back", "next", "foo", "foo.bar", "foo.bar.baz", "foo.qux")
RAISED = ("r1", "r2", "foo.raised")
DESCRIPTORS = (*EVENTS, *RAISED, "*", "foo.*", "foo.bar.*", "xstate.done.*")
KEYS = ("a", "b", "c")
RAISES_LEFT = {"type": "lt", "params": {"key": "raised", "n": 12}}


@dataclass(frozen=True)
class GeneratedChart:
    """A document and what to send to it."""

    config: dict[str, Json]
    input: Json
    events: list[dict[str, Json]]


@dataclass
class _Node:
    key: str
    parent: _Node | None
    kind: str = "atomic"
    children: list[_Node] = field(default_factory=list["_Node"])
    custom_id: str | None = None

    @property
    def path(self) -> list[str]:
        return [*self.parent.path, self.key] if self.parent else []

    @property
    def reference(self) -> str:
        return f"#{self.custom_id}" if self.custom_id else "#" + ".".join(["m", *self.path])

    def within(self, other: _Node) -> bool:
        return self is other or (self.parent is not None and self.parent.within(other))


def generate_chart(random: Random, *, depth: int = 4, events: int = 8) -> GeneratedChart:
    """A chart that is legal and whose loops, if any, come to an end."""
    return _Generator(random, depth).chart(events)


class _Generator:
    def __init__(self, random: Random, depth: int) -> None:
        self.random = random
        self.depth = depth
        self.nodes: list[_Node] = []

    def chart(self, events: int) -> GeneratedChart:
        root = self.tree("m", None, 0)
        context = {"a": 0, "b": 1, "turns": 0, "raised": 0, "who": {"$input": "who"}}
        config = {"id": "m", "context": context, **self.state(root)}
        if self.chance(0.7):
            config["output"] = {"a": {"$ctx": "a"}, "o": {"$event": "output"}, "t": {"$event": "type"}}
        sent = [
            {"type": self.random.choice(EVENTS), **({"n": self.random.randrange(3)} if self.chance(0.5) else {})}
            for _ in range(events)
        ]
        return GeneratedChart(config, self.random.choice([None, {"who": "ann"}]), sent)

    def chance(self, likelihood: float) -> bool:
        return self.random.random() < likelihood

    def tree(self, key: str, parent: _Node | None, level: int) -> _Node:
        node = _Node(key, parent)
        self.nodes.append(node)
        if parent is not None and self.chance(0.15):
            node.custom_id = f"id{len(self.nodes)}"
        if level == 0 or (level < self.depth and self.chance(0.45)):
            node.kind = "parallel" if self.chance(0.4) else "compound"
            for place in range(self.random.randint(1, 3) if level else self.random.randint(2, 4)):
                node.children.append(self.tree(f"{'abcd'[place]}{level + 1}", node, level + 1))
            if self.chance(0.3):
                history = _Node(f"h{level + 1}", node, "history")
                self.nodes.append(history)
                node.children.insert(self.random.randint(0, len(node.children)), history)
        elif parent is not None and self.chance(0.2):
            node.kind = "final"
        return node

    def state(self, node: _Node) -> dict[str, Json]:
        config: dict[str, Json] = {}
        if node.custom_id:
            config["id"] = node.custom_id
        if node.kind in ("parallel", "final", "history"):
            config["type"] = node.kind
        if node.kind == "history":
            self.history(node, config)
            return config
        for when in ("entry", "exit"):
            if self.chance(0.4):
                config[when] = [self.action() for _ in range(self.random.randint(1, 2))]
        if self.chance(0.25):
            config["tags"] = [f"t{self.random.randrange(3)}"]
        if node.kind == "final":
            if self.chance(0.5):
                config["output"] = {"v": {"$ctx": self.random.choice(KEYS)}}
        else:
            self.reactions(node, config)
        return config

    def reactions(self, node: _Node, config: dict[str, Json]) -> None:
        config["on"] = {
            # Done events come from within: a chart could feed itself on them.
            descriptor: [
                self.bounded(node) if descriptor in ("*", "xstate.done.*") else self.transition(node)
                for _ in range(self.random.randint(1, 3))
            ]
            for descriptor in self.random.sample(DESCRIPTORS, self.random.randint(0, 4))
        }
        if self.chance(0.2):
            config["always"] = [self.bounded(node) for _ in range(self.random.randint(1, 2))]
        if node.children:
            config["states"] = {child.key: self.state(child) for child in node.children}
            if self.chance(0.5):
                config["onDone"] = self.bounded(node)
        if node.kind == "compound":
            initial = self.random.choice([child.key for child in node.children if child.kind != "history"])
            config["initial"] = {"target": initial, "actions": self.action()} if self.chance(0.3) else initial

    def history(self, node: _Node, config: dict[str, Json]) -> None:
        parent = node.parent
        assert parent is not None
        config["history"] = self.random.choice(["shallow", "deep"])
        if parent.kind == "parallel" or self.chance(0.4):
            # In a parallel state always with a default: without one XState can lose the state itself.
            inside = [
                each for each in self.nodes if each is not parent and each.within(parent) and each.kind != "history"
            ]
            config["target"] = self.random.choice(inside).reference

    def transition(self, node: _Node) -> dict[str, Json]:
        config: dict[str, Json] = {}
        if self.chance(0.75):
            config["target"] = self.target(node)
        if self.chance(0.2):
            config["reenter"] = True
        if self.chance(0.5):
            config["guard"] = self.guard()
        if self.chance(0.5):
            config["actions"] = [self.action() for _ in range(self.random.randint(1, 2))]
        return config

    def bounded(self, node: _Node) -> dict[str, Json]:
        """A transition that can be taken only a few times, for places where it could be taken for ever."""
        guards: list[Json] = [{"type": "lt", "params": {"key": "turns", "n": 25}}]
        if self.chance(0.4):
            guards.append(self.guard())
        config = {
            "guard": {"type": "and", "params": {"guards": guards}},
            "actions": [{"type": "inc", "params": {"key": "turns"}}, self.quiet_action()],
        }
        return {**config, "target": self.target(node)} if self.chance(0.7) else config

    def target(self, node: _Node) -> Json:
        choice = self.random.choice([each for each in self.nodes if each.parent is not None])
        regions = choice.parent.children if choice.parent and choice.parent.kind == "parallel" else []
        others = [region for region in regions if region is not choice and region.kind != "history"]
        if others and choice.kind != "history" and self.chance(0.5):
            other = self.random.choice(others)
            inside = [each for each in self.nodes if each.within(other) and each.kind != "history"]
            return [choice.reference, self.random.choice(inside).reference]
        if choice.parent is node.parent and node.parent is not None and self.chance(0.5):
            return choice.key
        return "." + choice.key if choice.parent is node else choice.reference

    def guard(self, level: int = 0) -> Json:
        kind = self.random.choice(["gt", "lt", "eq", "has", "ev", "stateIn", "and", "or", "not"])
        if kind in ("gt", "lt"):
            return {"type": kind, "params": {"key": self.random.choice(KEYS), "n": self.random.randrange(4)}}
        if kind == "eq":
            return {
                "type": "eq",
                "params": {"key": self.random.choice(KEYS), "value": self.random.choice([0, 1, None])},
            }
        if kind == "has":
            return {"type": "has", "params": {"key": self.random.choice([*KEYS, "x"])}}
        if kind == "ev":
            return {"type": "ev", "params": {"key": "n", "value": self.random.choice([0, 1, None])}}
        if kind == "stateIn" or level > 1:
            node = self.random.choice([each for each in self.nodes if each.parent and each.kind != "history"])
            state = node.reference if self.chance(0.5) else ".".join(node.path)
            return {"type": "stateIn", "params": {"state": state}}
        if kind == "not":
            return {"type": "not", "params": {"guard": self.guard(level + 1)}}
        return {"type": kind, "params": {"guards": [self.guard(level + 1) for _ in range(2)]}}

    def action(self) -> Json:
        if self.chance(0.1):
            raised = {"type": "raise", "params": {"type": self.random.choice(RAISED)}}
            then = [{"type": "inc", "params": {"key": "raised"}}, raised]
            return {"type": "when", "params": {"guard": RAISES_LEFT, "then": then, "else": []}}
        if self.chance(0.1):
            return {"type": "when", "params": {"guard": self.guard(), "then": [self.quiet_action()], "else": []}}
        return self.quiet_action()

    def quiet_action(self) -> Json:
        key = self.random.choice(KEYS)
        return self.random.choice(
            [
                "tick",
                {"type": "inc", "params": {"key": key}},
                {"type": "set", "params": {"key": key, "value": self.random.randrange(3)}},
                {"type": "push", "params": {"key": "log", "label": self.random.choice("xyz")}},
                {"type": "copy", "params": {"key": "x", "from": self.random.choice(["type", "n", "output.v"])}},
                {"type": "emit", "params": {"type": "E", "data": {"v": {"$ctx": key}, "t": {"$event": "type"}}}},
            ]
        )
