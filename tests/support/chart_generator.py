"""Random statecharts in the vocabulary of the recorded ones, at their six levels, with inputs and events to try.

A chart means the same to every reading of the rules unless XState itself loses its way: references are legal, and what
could go round for ever counts its rounds. What is drawn depends on the source of randomness alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

Json = Any

LEVELS = range(1, 7)
DEPTHS = {1: 1, 2: 1, 3: 3, 4: 2, 5: 3, 6: 4}
EVENTS = ("go", "back", "next", "foo", "foo.bar", "foo.bar.baz", "job.done")
RAISED = ("r1", "r2", "foo.raised")
WILDCARDS = {"*": "other", "foo.*": "foo", "foo.bar.*": "foo.bar.qux", "job.*": "job.start", "xstate.done.*": "go"}
"""Each with an event to send for it; nobody sends done events."""
TAKING_DONE_EVENTS = frozenset({"*", "xstate.done.*"})
"""What these lead to may raise the event again that they take."""
KEYS = ("a", "b", "c")
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class GeneratedChart:
    """A document, and what to start it with and to send to it."""

    level: int
    config: dict[str, Json]
    input: Json
    events: list[dict[str, Json]]


def generate_chart(random: Random, level: int) -> GeneratedChart:
    """A chart of a level: 1 flat; 2 with guards, context, `always`, `raise`, wildcards, input; 3 nested, with history,
    `onDone` and `when`; 4 parallel; 5 and 6 deeper and wider mixtures.
    """
    return _Generator(random, level).chart()


@dataclass(eq=False, slots=True)
class _Node:
    key: str
    parent: _Node | None
    kind: str = "atomic"
    given_id: str | None = None
    children: list[_Node] = field(default_factory=list["_Node"])

    @property
    def path(self) -> list[str]:
        return [*self.parent.path, self.key] if self.parent else []

    @property
    def reference(self) -> str:
        return f"#{self.given_id}" if self.given_id else ".".join(["#m", *self.path])

    @property
    def regions(self) -> list[_Node]:
        return [child for child in self.children if child.kind != "history"]

    def within(self, other: _Node) -> bool:
        return self is other or (self.parent is not None and self.parent.within(other))


class _Generator:
    def __init__(self, random: Random, level: int) -> None:
        self.random = random
        self.level = level
        self.depth = DEPTHS[level]
        self.nodes: list[_Node] = []
        self.counters = 0
        descriptors = (*EVENTS, *RAISED, *WILDCARDS) if level > 1 else EVENTS
        self.alphabet = random.sample(descriptors, 5)
        """What this chart listens to; few, so that most events do something."""

    def chart(self) -> GeneratedChart:
        root = self.tree("m", None, depth=0)
        config = {"id": "m", "context": self.context(), **self.state(root)}
        if self.chance(0.6):
            config["output"] = {"a": {"$ctx": "a"}, "e": {"$event": "output"}, "t": {"$event": "type"}}
        given = {"who": self.pick(("ann", None, 7))} if self.level > 1 and self.chance(0.5) else None
        return GeneratedChart(self.level, config, given, [self.event() for _ in range(self.random.randint(4, 10))])

    def chance(self, likelihood: float) -> bool:
        return self.random.random() < likelihood

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)

    def several(self, fewest: int, most: int, make: Callable[[], Json]) -> list[Json]:
        return [make() for _ in range(self.random.randint(fewest, most))]

    def one_or_several(self, make: Callable[[], Json]) -> Json:
        return make() if self.chance(0.4) else self.several(1, 3, make)

    def context(self) -> dict[str, Json]:
        if self.level == 1:
            return {}
        start = {key: self.random.randrange(3) for key in KEYS if self.chance(0.7)}
        return {**start, "who": {"$input": "who"}} if self.chance(0.4) else start

    def event(self) -> dict[str, Json]:
        heard = self.pick(self.alphabet if self.chance(0.9) else EVENTS)
        event: dict[str, Json] = {"type": WILDCARDS.get(heard, heard)}
        return {**event, "n": self.random.randrange(3)} if self.chance(0.5) else event

    # The tree comes first, because transitions refer to all of it.

    def tree(self, key: str, parent: _Node | None, *, depth: int) -> _Node:
        node = _Node(key, parent)
        self.nodes.append(node)
        if parent is not None and self.chance(0.15):
            node.given_id = f"id{len(self.nodes)}"
        if depth == 0 or (depth < self.depth and self.chance(0.5)):
            node.kind = "parallel" if self.level > 3 and self.chance(0.4) else "compound"
            for place in range(self.random.randint(2, 4 if self.depth == 1 else 3)):
                node.children.append(self.tree(f"{'abcd'[place]}{depth + 1}", node, depth=depth + 1))
            if self.level > 2 and self.chance(0.3):
                history = _Node(f"h{depth + 1}", node, "history")
                self.nodes.append(history)
                node.children.insert(self.random.randint(0, len(node.children)), history)
        elif parent is not None and parent.children and self.chance(0.15):
            node.kind = "final"
        return node

    def state(self, node: _Node) -> dict[str, Json]:
        config: dict[str, Json] = {"id": node.given_id} if node.given_id else {}
        if node.kind in ("parallel", "final", "history"):
            config["type"] = node.kind
        if node.kind == "history":
            return {**config, **self.history(node)}
        for when in ("entry", "exit"):
            if self.chance(0.35):
                config[when] = self.one_or_several(self.action)
        if self.chance(0.25):
            config["tags"] = self.pick((f"t{self.random.randrange(3)}", ["t0", f"t{node.key}"]))
        if node.kind == "final":
            return {**config, "output": {"v": {"$ctx": self.pick(KEYS)}}} if self.chance(0.5) else config
        return {**config, **self.reactions(node), **self.below(node)}

    def reactions(self, node: _Node) -> dict[str, Json]:
        config: dict[str, Json] = {"on": self.on(node)}
        if self.level > 1 and self.chance(0.25):
            config["always"] = self.one_or_several(lambda: self.idle() if self.chance(0.2) else self.counted(node))
        if self.level > 2 and node.children and self.chance(0.5):
            config["onDone"] = self.one_or_several(lambda: self.counted(node))
        return config

    def below(self, node: _Node) -> dict[str, Json]:
        config: dict[str, Json] = {}
        if node.kind == "compound":
            initial = self.pick(node.regions).key
            config["initial"] = {"target": initial, "actions": self.action()} if self.chance(0.3) else initial
        if node.children:
            config["states"] = {child.key: self.state(child) for child in node.children}
        return config

    def history(self, node: _Node) -> dict[str, Json]:
        parent = node.parent
        assert parent is not None
        config: dict[str, Json] = {"history": self.pick(("shallow", "deep"))}
        if self.chance(0.8 if parent.kind == "parallel" else 0.5):
            config["target"] = self.pick(self.inside(parent)[1:]).reference
        return config

    def inside(self, node: _Node) -> list[_Node]:
        """A state and those below it, without history states."""
        return [each for each in self.nodes if each.within(node) and each.kind != "history"]

    def on(self, node: _Node) -> dict[str, Json]:
        chosen = self.random.sample(self.alphabet, self.random.randint(2, 4))
        return {descriptor: self.reaction(node, descriptor) for descriptor in chosen}

    def reaction(self, node: _Node, descriptor: str) -> Json:
        if self.chance(0.07):
            return self.pick(({}, {"actions": []}))
        if descriptor in TAKING_DONE_EVENTS:
            return self.one_or_several(lambda: self.counted(node))
        if self.chance(0.15):
            target = self.target(node)
            return target if isinstance(target, str) else {"target": target}
        return self.one_or_several(lambda: self.transition(node))

    def transition(self, node: _Node) -> dict[str, Json]:
        config: dict[str, Json] = {}
        if self.chance(0.75):
            config["target"] = self.target(node)
        if self.chance(0.2):
            config["reenter"] = True
        if self.level > 1 and self.chance(0.35):
            config["guard"] = self.guard()
        if "target" not in config or self.chance(0.5):
            config["actions"] = self.one_or_several(self.action)
        return config

    def counted(self, node: _Node) -> dict[str, Json]:
        """A transition that is taken a few times at most, for places where it could be taken for ever."""
        left, count = self.count_rounds()
        if self.chance(0.4):
            left = {"type": "and", "params": {"guards": [left, self.guard()]}}
        config: dict[str, Json] = {"guard": left, "actions": [count, self.action()]}
        if self.chance(0.2):
            config["reenter"] = True
        return {**config, "target": self.target(node)} if self.chance(0.7) else config

    def idle(self) -> dict[str, Json]:
        """A transition that changes nothing, so that being taken without an event does not lead to it again."""
        emitted = {"type": "emit", "params": {"type": "idle", "data": {"t": {"$event": "type"}}}}
        return {"actions": emitted, "guard": self.guard()} if self.chance(0.5) else {"actions": emitted}

    def count_rounds(self) -> tuple[Json, Json]:
        """A guard that soon stays false, and the action that makes it so."""
        self.counters += 1
        key = f"rounds{self.counters}"
        spent = {"type": "gt", "params": {"key": key, "n": self.random.randrange(ROUNDS)}}
        return {"type": "not", "params": {"guard": spent}}, {"type": "inc", "params": {"key": key}}

    def target(self, node: _Node) -> Json:
        chosen: _Node = self.pick([each for each in self.nodes if each.parent is not None])
        parent = chosen.parent
        if parent is not None and parent.kind == "parallel" and chosen.kind != "history" and self.chance(0.5):
            others = [region for region in parent.regions if region is not chosen]
            if others:
                return [self.refer(node, chosen), self.refer(node, self.pick(self.inside(self.pick(others))))]
        return self.refer(node, chosen)

    def refer(self, node: _Node, chosen: _Node) -> str:
        """One of the ways in which a transition of `node` can name a state."""
        if self.chance(0.5):
            for start, prefix in ((node, "."), (node.parent, "")):
                if start is not None and chosen.within(start) and chosen is not start:
                    return prefix + ".".join(chosen.path[len(start.path) :])
        return chosen.reference

    def guard(self, depth: int = 0) -> Json:
        kinds = ["gt", "lt", "eq", "has", "ev", "plain"]
        if depth < 2:
            kinds += ["and", "or", "not"]
        if self.level > 2:
            kinds.append("stateIn")
        kind = self.pick(kinds)
        if kind == "plain":
            return self.pick(("yes", "no"))
        return {"type": kind, "params": self.guard_params(kind, depth)}

    def guard_params(self, kind: str, depth: int) -> dict[str, Json]:
        match kind:
            case "gt" | "lt":
                return {"key": self.pick(KEYS), "n": self.random.randrange(4)}
            case "eq":
                return {"key": self.pick(KEYS), "value": self.pick((0, 1, None, "go"))}
            case "has":
                return {"key": self.pick((*KEYS, "x"))}
            case "ev":
                return {"key": self.pick(("n", "type", "output.v")), "value": self.pick((0, 1, None, "go"))}
            case "not":
                return {"guard": self.guard(depth + 1)}
            case "stateIn":
                return {"state": self.state_pattern()}
            case _:
                return {"guards": self.several(1, 3, lambda: self.guard(depth + 1))}

    def state_pattern(self) -> Json:
        node = self.pick([each for each in self.nodes if each.parent is not None and each.kind != "history"])
        if self.chance(0.5):
            return node.reference
        if len(node.path) == 1 or self.chance(0.5):
            return ".".join(node.path)
        *above, last = node.path
        pattern: Json = last
        for key in reversed(above):
            pattern = {key: pattern}
        return pattern

    def action(self) -> Json:
        if self.level > 2 and self.chance(0.15):
            return self.when()
        if self.level > 1 and self.chance(0.1):
            return self.raised()
        return self.plain_action()

    def when(self) -> Json:
        branches = {"then": self.one_or_several(self.plain_action)}
        if self.chance(0.5):
            branches["else"] = self.several(0, 2, self.raised if self.chance(0.3) else self.plain_action)
        return {"type": "when", "params": {"guard": self.guard(), **branches}}

    def raised(self) -> Json:
        left, count = self.count_rounds()
        data = {"data": {"n": {"$ctx": self.pick(KEYS)}}} if self.chance(0.4) else {}
        raised = {"type": "raise", "params": {"type": self.pick(RAISED), **data}}
        return {"type": "when", "params": {"guard": left, "then": [count, raised]}}

    def plain_action(self) -> Json:
        key = self.pick(KEYS)
        emitted = {"type": "emit", "params": {"type": "E", "data": {"v": {"$ctx": key}, "t": {"$event": "type"}}}}
        if self.level == 1 or self.chance(0.3):
            return emitted if self.chance(0.7) else {"type": "emit", "params": {"type": "F"}}
        return self.pick(
            (
                "tick",
                {"type": "inc", "params": {"key": key}},
                {"type": "inc", "params": {"key": key, "by": 2}},
                {"type": "set", "params": {"key": key, "value": self.pick((0, 1, True, None))}},
                {"type": "push", "params": {"key": "log", "label": self.pick("xyz")}},
                {"type": "copy", "params": {"key": "x", "from": self.pick(("type", "n", "output.v", "output"))}},
            )
        )
