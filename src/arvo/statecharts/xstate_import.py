"""Reads an XState v5 JSON document as a statechart. Names in it stand for the Python functions passed beside it.

Nothing in a document is ever evaluated. Keys that this engine does not know are refused with their path and a way out,
so that a document never does less than it says.
"""

from __future__ import annotations

from datetime import timedelta
from inspect import iscoroutinefunction
from re import fullmatch
from typing import TYPE_CHECKING, Any, cast

from arvo.errors import Issue
from arvo.statecharts import document_keys as keys
from arvo.statecharts.actions import Action, Assign, AssignFunction, Effect
from arvo.statecharts.blueprint import ChartBlueprint, DelayBlueprint, StateBlueprint, TransitionBlueprint
from arvo.statecharts.compilation import compile_chart, raise_issues
from arvo.statecharts.definition import Constant
from arvo.statecharts.document import (
    MAX_STATE_DEPTH,
    MAX_STATES,
    as_list,
    as_object,
    in_javascript_order,
    load_document,
)
from arvo.statecharts.guards import BUILT_IN_GUARDS, Guard, GuardFunction, read_guard, read_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.statecharts.definition import ContextFunction, Definition, DelayFunction, Kind, OutputFunction, Path


def from_xstate(
    document: Mapping[str, Any] | str | bytes,
    *,
    guards: Mapping[str, GuardFunction] | None = None,
    actions: Mapping[str, Effect | AssignFunction] | None = None,
    delays: Mapping[str, timedelta | DelayFunction] | None = None,
    context: ContextFunction | None = None,
    outputs: Mapping[str, OutputFunction] | None = None,
) -> Definition:
    """The chart of an XState v5 JSON document, as objects or as text.

    `guards` and `actions` give the implementations of its names: functions `(context, event, params)`. A plain function
    among the actions is an `Assign`; `EmitEvent`, `RaiseEvent` and `Enqueue` wrap the others. `delays` names durations
    for `after`. JSON cannot say how context and output are computed: `context` is a function of the input and replaces
    the document's static context, and `outputs` gives, by state id, functions `(context, event)` that replace `output`.

    Raises `DefinitionError` with the path of everything that is wrong.

    >>> light = from_xstate({"id": "light", "initial": "off", "states": {"off": {"on": {"press": "on"}}, "on": {}}})
    >>> light
    <statechart 'light' of 3 states>
    """
    loaded = load_document(document)
    reader = _Reader(guards or {}, actions or {}, delays or {})
    root = reader.root(loaded)
    chart = ChartBlueprint(
        root=root,
        context=context or Constant(reader.static_context(loaded)),
        guards=reader.guards,
        effects=reader.effects,
        version=reader.text(loaded, "version", ()),
    )
    chart.max_microsteps = reader.max_microsteps(loaded, chart.max_microsteps)
    raise_issues(root.key, reader.issues)
    definition = compile_chart(chart)
    _place_outputs(definition, outputs or {})
    return definition


def _place_outputs(definition: Definition, outputs: Mapping[str, OutputFunction]) -> None:
    issues: list[Issue] = []
    for state_id, function in outputs.items():
        state = definition.by_id.get(state_id)
        if state is None or not (state.is_final or state.parent is None):
            message = "only the root and final states have an output; give the id of one"
            issues.append(Issue(("outputs", state_id), message, "unknown_state"))
        else:
            state.output = function
    raise_issues(definition.id, issues)


class _Reader:
    """Turns JSON into blueprints, collecting issues instead of stopping at the first."""

    def __init__(
        self,
        guards: Mapping[str, GuardFunction],
        actions: Mapping[str, Effect | AssignFunction],
        delays: Mapping[str, timedelta | DelayFunction],
    ) -> None:
        self.issues: list[Issue] = []
        self.states = 0
        self.guards = guards
        self.delays = delays
        self.effects: dict[str, Effect] = {}
        for name, given in actions.items():
            # Any object with `apply` is an effect; everything else has to be a function.
            effect: Effect = cast("Effect", given) if hasattr(given, "apply") else Assign(cast("Any", given))
            self.effects[name] = effect
            self._check_function(("actions", name), getattr(effect, "function", effect.apply))
        for name, delay in delays.items():
            if not isinstance(delay, timedelta):
                self._check_function(("delays", name), delay)
        for name, function in guards.items():
            self._check_function(("guards", name), function)
            if name in BUILT_IN_GUARDS:
                self.issue(("guards", name), "this name is built in; give yours another", "reserved")

    def root(self, document: Mapping[str, Any]) -> StateBlueprint:
        return self.state(self.text(document, "id", ()) or "(machine)", document, ())

    def static_context(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self._object(document, "context", ()))

    def max_microsteps(self, document: Mapping[str, Any], default: int) -> int:
        options = self._object(document, "options", ())
        self._refuse_unknown(options, keys.OPTIONS, ("options",))
        limit = options.get("maxIterations", default)
        if type(limit) is not int or limit < 1:
            self.issue(("options", "maxIterations"), "the limit is a whole number above 0", "type")
            return default
        return limit

    def text(self, config: Mapping[str, Any], key: str, path: Path) -> str | None:
        value = config.get(key)
        if key in config and (not isinstance(value, str) or not value):
            self.issue((*path, key), f"it is {value!r:.60}, not text", "type")
            return None
        return value

    def issue(self, path: Path, message: str, code: str) -> None:
        self.issues.append(Issue(path, message, code))

    def state(self, key: str, value: Any, path: Path) -> StateBlueprint:
        config = as_object(value)
        blueprint = StateBlueprint(key, "atomic", path=path)
        self.states += 1
        if self.states > MAX_STATES:
            self.issue(path, f"a chart has at most {MAX_STATES} states", "size")
        elif len(path) > 2 * MAX_STATE_DEPTH:
            self.issue(path, f"states nest at most {MAX_STATE_DEPTH} deep", "depth")
        elif config is None:
            self.issue(path, f"it is {value!r:.60}, not a JSON object that describes a state", "type")
        else:
            self._fill(blueprint, config, path)
        return blueprint

    def _fill(self, blueprint: StateBlueprint, config: Mapping[str, Any], path: Path) -> None:
        blueprint.kind = kind = self._kind(config, path)
        self._refuse_unknown(config, keys.of_state(kind, is_root=not path), path)
        blueprint.id = self.text(config, "id", path)
        blueprint.description = self.text(config, "description", path)
        blueprint.meta = self._object(config, "meta", path) if "meta" in config else None
        blueprint.tags = self._texts(config, "tags", path)
        if kind == "history":
            self._history(blueprint, config, path)
        else:
            self._behaviour(blueprint, config, path)

    def _history(self, blueprint: StateBlueprint, config: Mapping[str, Any], path: Path) -> None:
        if config.get("history", "shallow") not in (True, "shallow", "deep"):
            self.issue((*path, "history"), f"it is {config['history']!r:.60}, not 'shallow' or 'deep'", "type")
        blueprint.deep = config.get("history") == "deep"
        blueprint.history_targets = self._texts(config, "target", path)

    def _behaviour(self, blueprint: StateBlueprint, config: Mapping[str, Any], path: Path) -> None:
        blueprint.entry = self._actions(config, "entry", path)
        blueprint.exit = self._actions(config, "exit", path)
        for descriptor, value in self._object(config, "on", path).items():
            if not descriptor:
                self.issue((*path, "on", ""), "the empty event is XState v4; v5 calls it 'always'", "unknown_key")
            blueprint.on[descriptor] = self._candidates(value, (*path, "on", descriptor))
        if "always" in config:
            blueprint.always = self._candidates(config["always"], (*path, "always"))
        if "onDone" in config:
            blueprint.on_done = self._candidates(config["onDone"], (*path, "onDone"))
        blueprint.after = self._delays(config, path)
        if "output" in config:
            blueprint.output = Constant(config["output"])
        states = self._object(config, "states", path)
        if blueprint.kind in ("compound", "parallel"):
            blueprint.children = [
                self.state(each, states[each], (*path, "states", each)) for each in in_javascript_order(states)
            ]
        elif blueprint.kind == "atomic" and states:
            self.issue((*path, "states"), keys.NO_STATES, "unknown_key")
        if blueprint.kind == "compound":
            self._initial(blueprint, config, path)

    def _kind(self, config: Mapping[str, Any], path: Path) -> Kind:
        implied: Kind = "compound" if config.get("states") else "history" if config.get("history") else "atomic"
        if "type" not in config:
            return implied
        for kind in keys.KINDS:
            if kind == config["type"]:
                return kind
        message = f"it is {config['type']!r:.60}, not one of {', '.join(keys.KINDS)}"
        self.issue((*path, "type"), message, "type")
        return implied

    def _initial(self, blueprint: StateBlueprint, config: Mapping[str, Any], path: Path) -> None:
        if "initial" not in config:
            return
        value = config["initial"]
        where = (*path, "initial")
        described = as_object(value) or {"target": value}
        target = described.get("target")
        if not isinstance(target, str):
            self.issue(where, "it is the key of a state, or a mapping of its 'target' and 'actions'", "type")
            return
        self._refuse_unknown(described, keys.INITIAL, where)
        blueprint.initial = target
        blueprint.initial_actions = self._actions(described, "actions", where)

    # Transitions.

    def _candidates(self, value: Any, path: Path) -> list[TransitionBlueprint]:
        several = as_list(value)
        if several is None:
            return [self._transition(value, path)]
        return [self._transition(each, (*path, place)) for place, each in enumerate(several)]

    def _transition(self, value: Any, path: Path) -> TransitionBlueprint:
        config = {"target": value} if isinstance(value, str) else as_object(value)
        if config is None:
            self.issue(path, f"it is {value!r:.60}, not a target or a JSON object that describes a transition", "type")
            return TransitionBlueprint(path=path)
        self._refuse_unknown(config, keys.TRANSITION, path)
        reenter = config.get("reenter", False)
        if not isinstance(reenter, bool):
            self.issue((*path, "reenter"), f"it is {reenter!r:.60}, not true or false", "type")
        return TransitionBlueprint(
            targets=self._texts(config, "target", path),
            guard=self._guard(config["guard"], (*path, "guard")) if "guard" in config else None,
            actions=self._actions(config, "actions", path),
            reenter=reenter is True,
            meta=self._object(config, "meta", path) if "meta" in config else None,
            description=self.text(config, "description", path),
            path=path,
        )

    def _delays(self, config: Mapping[str, Any], path: Path) -> list[DelayBlueprint]:
        after = self._object(config, "after", path)
        delays: list[DelayBlueprint] = []
        for key in in_javascript_order(after):
            where = (*path, "after", key)
            transitions = self._candidates(after[key], where)
            milliseconds = _milliseconds(key)
            if milliseconds is not None:
                delays.append(DelayBlueprint(f"{milliseconds}", timedelta(milliseconds=milliseconds), transitions))
            elif key in self.delays:
                delays.append(DelayBlueprint(key, self.delays[key], transitions))
            else:
                known = ", ".join(sorted(self.delays)) or "none"
                message = f"it is neither milliseconds nor the name of a delay (known: {known}); pass it in 'delays'"
                self.issue(where, message, "unknown_delay")
        return delays

    def _guard(self, value: Any, path: Path) -> Guard | None:
        guard = read_guard(value, self.guards, path)
        if isinstance(guard, list):
            self.issues.extend(guard)
            return None
        return guard

    def _actions(self, config: Mapping[str, Any], key: str, path: Path) -> tuple[Action, ...]:
        value = config.get(key, [])
        where = (*path, key)
        several = as_list(value)
        if several is None:
            actions = [self._action(value, where)]
        else:
            actions = [self._action(each, (*where, place)) for place, each in enumerate(several)]
        return tuple(action for action in actions if action)

    def _action(self, value: Any, path: Path) -> Action | None:
        named = read_name(value)
        if named is None:
            self.issue(path, "an action is a name, or a mapping of 'type' and 'params'", "invalid_action")
            return None
        name, params = named
        effect = self.effects.get(name)
        if effect is None:
            known = ", ".join(sorted(self.effects)) or "none"
            self.issue(path, f"no action is named {name!r} (known: {known}); pass it in 'actions'", "unknown_action")
            return None
        return Action(name, effect, params)

    # Small values.

    def _object(self, config: Mapping[str, Any], key: str, path: Path) -> Mapping[str, Any]:
        found = as_object(config.get(key, {}))
        if found is None:
            self.issue((*path, key), f"it is {config[key]!r:.60}, not a JSON object", "type")
        return found or {}

    def _texts(self, config: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
        value = config.get(key, [])
        several = as_list(value)
        texts = [value] if several is None else several
        if not all(isinstance(text, str) and text for text in texts):
            self.issue((*path, key), f"it is {value!r:.60}, not text or a list of texts", "type")
            return ()
        return tuple(texts)

    def _refuse_unknown(self, config: Mapping[str, Any], known: frozenset[str], path: Path) -> None:
        for key, advice in keys.refused(config, known):
            self.issue((*path, key), advice, "unknown_key")

    def _check_function(self, path: Path, function: Any) -> None:
        if not callable(function):
            self.issue(path, f"it is {function!r:.60}, not a function (context, event, params)", "implementation")
        elif iscoroutinefunction(function):
            self.issue(
                path,
                "it is async; a step is synchronous, so emit a request and take its reply instead",
                "implementation",
            )


def _milliseconds(key: str) -> int | float | None:
    """The number a key stands for, whole where it is; JavaScript writes it the same way."""
    if not fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", key):
        return None
    return float(key) if "." in key and float(key) % 1 else int(float(key))
