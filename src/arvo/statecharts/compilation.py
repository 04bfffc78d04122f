"""Compiles a blueprint into a `Definition`, and refuses charts whose structure cannot work.

All errors are collected and raised as one `DefinitionError`. What is only doubtful, as a state nobody can reach, is
`doubts`' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from arvo.errors import DefinitionError, Issue
from arvo.statecharts import movement
from arvo.statecharts.definition import Definition, Delay, StateNode, Transition, Wildcard
from arvo.statecharts.guards import compile_guard
from arvo.statecharts.references import find_state, find_target
from arvo.statecharts.structure import structure_issues

if TYPE_CHECKING:
    from collections.abc import Iterable

    from arvo.statecharts.blueprint import ChartBlueprint, StateBlueprint, TransitionBlueprint
    from arvo.statecharts.definition import Path

_SHOWN_ISSUES = 8


def compile_chart(chart: ChartBlueprint) -> Definition:
    """The definition of a chart. Raises `DefinitionError`, whose `issues` name every error and where it stands."""
    compiler = _Compiler(chart)
    compiler.place(chart.root, None)
    raise_issues(compiler.root.id, compiler.issues)
    compiler.connect()
    raise_issues(compiler.root.id, compiler.issues)
    definition = compiler.definition()
    raise_issues(definition.id, structure_issues(definition))
    definition.initial_arrivals = movement.initial_arrivals(definition)
    return definition


def raise_issues(chart_id: str, issues: Iterable[Issue]) -> None:
    """Raises one `DefinitionError` for all issues, if there are any."""
    found = tuple(issues)
    if not found:
        return
    shown = "\n".join(f"  {issue}" for issue in found[:_SHOWN_ISSUES])
    rest = f"\n  and {len(found) - _SHOWN_ISSUES} more" if len(found) > _SHOWN_ISSUES else ""
    count = "one error" if len(found) == 1 else f"{len(found)} errors"
    raise DefinitionError(f"Statechart {chart_id!r} has {count}:\n{shown}{rest}", issues=found)


class _Compiler:
    def __init__(self, chart: ChartBlueprint) -> None:
        self.chart = chart
        self.states: list[StateNode] = []
        self.blueprints: list[StateBlueprint] = []
        self.by_id: dict[str, StateNode] = {}
        self.issues: list[Issue] = []

    @property
    def root(self) -> StateNode:
        return self.states[0]

    def place(self, blueprint: StateBlueprint, parent: StateNode | None) -> StateNode:
        """Makes the nodes of a subtree, in document order."""
        default_id = blueprint.key if parent is None else ".".join((self.root.id, *_keys(parent), blueprint.key))
        state = StateNode(blueprint.key, blueprint.id or default_id, blueprint.kind, len(self.states), parent)
        state.lineage = (state,) if parent is None else (*parent.lineage, state)
        state.tags = blueprint.tags
        state.all_tags = frozenset(blueprint.tags) | (parent.all_tags if parent else frozenset())
        self.states.append(state)
        self.blueprints.append(blueprint)
        clash = self.by_id.setdefault(state.id, state)
        if clash is not state:
            first = ".".join(_keys(clash)) or "the root"
            self._issue(blueprint.path, f"the id {state.id!r} is taken by {first!r}; give this state an 'id'", "id")
        below = [self.place(child, state) for child in blueprint.children]
        state.by_key = {child.key: child for child in below}
        state.children = tuple(child for child in below if child.kind != "history")
        state.histories = tuple(child for child in below if child.kind == "history")
        state.end = len(self.states)
        _place_value(state)
        state.is_final = state.kind == "final"
        state.is_leaf = state.kind != "history" and not state.children
        state.done_type = f"xstate.done.state.{state.id}"
        state.deep = blueprint.deep
        state.entry, state.exit = blueprint.entry, blueprint.exit
        state.output, state.meta, state.description = blueprint.output, blueprint.meta, blueprint.description
        return state

    def connect(self) -> None:
        """Resolves every name of a state, now that all states are known."""
        for state, blueprint in zip(self.states, self.blueprints, strict=True):
            if state.kind == "compound":
                self._connect_initial(state, blueprint)
            if blueprint.history_targets and state.parent is not None:
                state.history_targets = self._history_targets(state, blueprint)
            self._connect_transitions(state, blueprint)
            state.wildcards = _wildcards(state.on)
            state.table = _table(state.on, state.wildcards)
            inherited = state.parent.eventless if state.parent else ()
            state.eventless = state.always + inherited if state.always else inherited
            above = state.parent.restless if state.parent else ()
            state.restless = (*above, state) if state.exit or state.after or state.histories else above

    def definition(self) -> Definition:
        definition = Definition(
            id=self.root.id,
            root=self.root,
            states=tuple(self.states),
            by_id=self.by_id,
            context=self.chart.context,
            guards=self.chart.guards,
            effects=self.chart.effects,
            max_microsteps=self.chart.max_microsteps,
            version=self.chart.version,
        )
        for state in self.states:
            for transition in transitions_of(state):
                if not transition.to_history:
                    transition.move = movement.move_of(definition, transition, movement.NO_HISTORY)
        return definition

    def _connect_initial(self, state: StateNode, blueprint: StateBlueprint) -> None:
        state.initial_actions = blueprint.initial_actions
        keys = ", ".join(repr(key) for key in state.by_key) or "none"
        if blueprint.initial is None:
            message = f"a state with states of its own needs 'initial', one of {keys} (or 'type': 'parallel')"
            self._issue(blueprint.path, message, "missing_initial")
            return
        state.initial = state.by_key.get(blueprint.initial)
        if state.initial is None:
            message = f"there is no state {blueprint.initial!r} in #{state.id} (its states: {keys})"
            self._issue((*blueprint.path, "initial"), message, "unknown_state")

    def _history_targets(self, state: StateNode, blueprint: StateBlueprint) -> tuple[StateNode, ...]:
        assert state.parent is not None, "only called below the root"  # noqa: S101
        found: list[StateNode] = []
        for target in blueprint.history_targets:
            try:
                # The default of a history state counts from its parent, as a sibling's name does.
                found.append(find_target(state, self.root, self.by_id, target))
            except LookupError as error:
                self._issue((*blueprint.path, "target"), str(error.args[0]), "unknown_state")
        return tuple(found)

    def _connect_transitions(self, state: StateNode, blueprint: StateBlueprint) -> None:
        state.on = {descriptor: self._transitions(state, group) for descriptor, group in blueprint.on.items()}
        if blueprint.on_done:
            state.on[state.done_type] = self._transitions(state, blueprint.on_done)
        delays: list[Delay] = []
        for delay in blueprint.after:
            timer = Delay(delay.key, f"xstate.after.{delay.key}.{state.id}", delay.duration)
            delays.append(timer)
            own = state.on.get(timer.event_type, ())
            state.on[timer.event_type] = own + self._transitions(state, delay.transitions)
        state.after = tuple(delays)
        state.always = self._transitions(state, blueprint.always)

    def _transitions(self, state: StateNode, group: list[TransitionBlueprint]) -> tuple[Transition, ...]:
        return tuple(self._transition(state, blueprint) for blueprint in group)

    def _transition(self, state: StateNode, blueprint: TransitionBlueprint) -> Transition:
        targets: list[StateNode] = []
        for target in blueprint.targets:
            try:
                targets.append(find_target(state, self.root, self.by_id, target))
            except LookupError as error:
                self._issue((*blueprint.path, "target"), str(error.args[0]), "unknown_state")
        transition = Transition(state, tuple(targets), blueprint.actions, blueprint.reenter, path=blueprint.path)
        transition.meta, transition.description = blueprint.meta, blueprint.description
        transition.to_history = any(target.kind == "history" for target in targets)
        if blueprint.guard is not None:
            transition.guard = blueprint.guard
            try:
                transition.check = compile_guard(
                    blueprint.guard, lambda reference: find_state(self.root, self.by_id, reference)
                )
            except LookupError as error:
                self._issue((*blueprint.path, "guard"), str(error.args[0]), "unknown_state")
        return transition

    def _issue(self, path: Path, message: str, code: str) -> None:
        self.issues.append(Issue(path, message, code))


def transitions_of(state: StateNode) -> list[Transition]:
    """Every transition written on a state."""
    return [*(transition for group in state.on.values() for transition in group), *state.always]


def is_wildcard(descriptor: str) -> bool:
    """Whether a descriptor stands for more than one event type."""
    # A star anywhere else in a descriptor is no wildcard: it matches nothing but itself.
    return descriptor == "*" or (descriptor.endswith(".*") and "*" not in descriptor[:-1].split("."))


def _place_value(state: StateNode) -> None:
    keys = _keys(state)
    if state.parent is not None and state.parent.kind == "compound" and state.kind != "parallel":
        state.value = keys.pop()
    state.value_path, state.value_key = tuple(keys[:-1]), keys[-1] if keys else ""


def _keys(state: StateNode) -> list[str]:
    return [ancestor.key for ancestor in state.lineage[1:]]


def _wildcards(on: dict[str, tuple[Transition, ...]]) -> tuple[Wildcard, ...]:
    """The wildcards of a state, longest first. Those that match one event are prefixes of each other."""
    prefixes = sorted((_prefix(descriptor) for descriptor in on if is_wildcard(descriptor)), key=len)
    made: list[Wildcard] = []
    for prefix in prefixes:
        shorter = next((wildcard for wildcard in reversed(made) if prefix.startswith(wildcard.prefix)), None)
        made.append(Wildcard(prefix, on[f"{prefix}*"] + (shorter.transitions if shorter else ())))
    return tuple(reversed(made))


def _table(on: dict[str, tuple[Transition, ...]], wildcards: tuple[Wildcard, ...]) -> dict[str, tuple[Transition, ...]]:
    table: dict[str, tuple[Transition, ...]] = {}
    for descriptor, transitions in on.items():
        behind = next(
            (
                wildcard
                for wildcard in wildcards
                if f"{wildcard.prefix}*" != descriptor and wildcard.matches(descriptor)
            ),
            None,
        )
        table[descriptor] = transitions + (behind.transitions if behind else ())
    return table


def _prefix(descriptor: str) -> str:
    return descriptor[:-1]
