"""One step of a statechart: a snapshot and an event go in, the next snapshot and what came of it come out.

Pure and synchronous: no I/O, no clock, no randomness; what goes in is never changed. The rules are XState v5's, not
SCXML's where the two differ. Which states a transition leaves and enters is worked out in `movement`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from arvo.errors import EndlessLoop, InvalidEvent, Issue
from arvo.statecharts import movement
from arvo.statecharts import snapshot as snapshots
from arvo.statecharts.definition import Constant
from arvo.statecharts.step import CancelTimer, StartTimer, Step

if TYPE_CHECKING:
    from arvo.statecharts.actions import Action
    from arvo.statecharts.definition import Definition, Delay, OutputFunction, StateNode, Transition
    from arvo.statecharts.movement import Arrival, Move

_RESERVED = frozenset({"*", "xstate.init", "xstate.stop"})
_TRACED_MICROSTEPS = 200
_ABSENT: Any = object()


def transition(definition: Definition, snapshot: Mapping[str, Any] | None, event: Any) -> Step:
    """What `event` makes of `snapshot`. With no snapshot the chart starts, and `event` is its input.

    An event is a mapping with a `type`, or any object with an attribute `type`. A chart that is done, failed or stopped
    ignores it. Exceptions of guards and actions propagate, with a note on where they came from; the snapshot is then
    still the old one, and `failed_snapshot` makes the one that XState would keep.

    Raises `InvalidSnapshot` and `InvalidEvent` for what cannot be used, `EndlessLoop` for a chart that never settles.

    >>> from arvo.statecharts import from_xstate
    >>> light = from_xstate({"id": "light", "initial": "off", "states": {"off": {"on": {"press": "on"}}, "on": {}}})
    >>> off = transition(light, None, None)
    >>> transition(light, off.snapshot, {"type": "press"}).snapshot["value"]
    'on'
    """
    if snapshot is None:
        run = _Run(definition, {"type": "xstate.init", "input": event})
        run.start(event)
    else:
        event_type = _sent_type(event)
        run = _Run(definition, event)
        run.context = snapshots.restore_context(definition, snapshot)
        run.leaves = run.matched_leaves = snapshots.restore_leaves(definition, snapshot.get("value"))
        run.history = snapshots.restore_history(definition, snapshot.get("historyValue"))
        if snapshot["status"] != "active":
            return Step(dict(snapshot), (), snapshot.get("output"), (), tuple(run.leaves))
        run.send(event_type)
    return run.step()


def event_type_of(event: Any) -> str:
    """The type of an event. Raises `InvalidEvent` for what is no event."""
    # Asking for the exact class first spares most events the slow look at an abstract one.
    if type(event) is dict or isinstance(event, Mapping):  # pyright: ignore[reportUnknownVariableType]
        found: Any = cast("Mapping[str, Any]", event).get("type")
    else:
        found = getattr(event, "type", None)
    if not isinstance(found, str):
        problem = Issue(("type",), f"it is {found!r}, not a string", "type")
        raise InvalidEvent(
            f"A statechart was given {event!r:.80} as an event; its {problem}. "
            "Give a mapping with a 'type', or an object with an attribute 'type'.",
            issues=[problem],
        )
    return found


def _sent_type(event: Any) -> str:
    found = event_type_of(event)
    if found in _RESERVED:
        problem = Issue(("type",), f"{found!r} is reserved for the chart itself", "type")
        raise InvalidEvent(
            f"An event for a statechart cannot be sent; its {problem}. Give it another type.", issues=[problem]
        )
    return found


class _Run:
    """The working state of one step. It lives no longer than the step."""

    __slots__ = (
        "assigned",
        "completed",
        "context",
        "definition",
        "emitted",
        "event",
        "history",
        "leaves",
        "matched_leaves",
        "output",
        "queue",
        "status",
        "timers",
    )

    def __init__(self, definition: Definition, event: Any) -> None:
        self.definition = definition
        self.event = event
        self.context: dict[str, Any] = {}
        self.leaves: list[StateNode] = []
        self.matched_leaves = self.leaves
        self.history = movement.NO_HISTORY
        self.status = "active"
        self.output: Any = _ABSENT
        self.emitted: list[Any] = []
        self.queue: deque[Any] = deque()
        self.timers: dict[str, StartTimer | CancelTimer] = {}
        self.assigned = False
        self.completed: set[StateNode] = set()

    # What actions may do (`actions.Scope`).

    def emit(self, event: Any) -> None:
        self.emitted.append(event)

    def raise_event(self, event: Any) -> None:
        event_type_of(event)
        self.queue.append(event)

    def check(self, guard: str | Mapping[str, Any]) -> bool:
        return bool(self.definition.check_of(guard)(self.context, self.event, self))

    # The macrostep: one event, and everything that follows from it until the chart settles.

    def start(self, given: Any) -> None:
        definition = self.definition
        context = definition.context
        self.context = deepcopy(context.value) if isinstance(context, Constant) else context(given)
        entering = definition.initial_arrivals
        self.leaves = [definition.root]
        self.matched_leaves = [state for _, state, _ in entering if state.is_leaf]
        active: list[StateNode] = []
        self._enter(entering, active)
        self.leaves = self.matched_leaves = active
        self._run_on(eventless=True)

    def send(self, event_type: str) -> None:
        selected = self._select(event_type)
        if selected:
            self._take(selected)
        self._run_on(eventless=True)

    def _run_on(self, *, eventless: bool) -> None:
        limit = self.definition.max_microsteps
        count = 0
        trace: list[tuple[StateNode, ...]] = []
        while self.status == "active":
            selected = self._select_eventless() if eventless else ()
            if selected:
                # An eventless transition that changed nothing would be selected for ever.
                eventless = self._take(selected)
            elif self.queue:
                self.event = self.queue.popleft()
                selected = self._select(event_type_of(self.event))
                if selected:
                    self._take(selected)
                eventless = True
            else:
                return
            count += 1
            if count > limit - _TRACED_MICROSTEPS:
                trace.append(tuple(sorted(self.leaves, key=movement.document_order)))
                if count > limit:
                    raise _endless(self.definition, trace)

    def step(self) -> Step:
        snapshot: dict[str, Any] = {"status": self.status}
        output = None
        if self.output is not _ABSENT:
            output = snapshot["output"] = self.output
        leaves = self.leaves
        snapshot["value"] = snapshots.state_value(leaves)
        snapshot["historyValue"] = snapshots.history_value(self.history) if self.history else {}
        snapshot["context"] = self.context
        snapshot["children"] = {}
        return Step(snapshot, tuple(self.emitted), output, tuple(self.timers.values()), tuple(leaves))

    # Selection.

    def _select(self, event_type: str) -> Sequence[Transition]:
        """One transition per region that takes the event; an outer state's only if no region within it does."""
        leaves = self.leaves
        if len(leaves) > 1:
            leaves = sorted(leaves, key=movement.document_order)
        selected: list[Transition] = []
        last = len(leaves) - 1
        for place, leaf in enumerate(leaves):
            state: StateNode | None = leaf
            while state is not None:
                if state.kind == "parallel" and (
                    # Its other regions come first, and any of them takes the event from it.
                    (place < last and leaves[place + 1].index < state.end)
                    or (selected and state.contains(selected[-1].source))
                ):
                    break
                candidates = state.table.get(event_type)
                if candidates is None and state.wildcards:
                    candidates = state.candidates(event_type)
                chosen = self._choose(candidates) if candidates else None
                if chosen is not None:
                    selected.append(chosen)
                    break
                state = state.parent
        return selected

    def _select_eventless(self) -> Sequence[Transition]:
        selected: dict[Transition, None] = {}
        for leaf in self.leaves:
            # XState does not count a parallel state without regions as a leaf here.
            if leaf.eventless and leaf.kind != "parallel":
                chosen = self._choose(leaf.eventless)
                if chosen is not None:
                    selected[chosen] = None
        return tuple(selected)

    def _choose(self, candidates: Sequence[Transition]) -> Transition | None:
        for candidate in candidates:
            check = candidate.check
            try:
                if check is None or check(self.context, self.event, self):
                    return candidate
            except Exception as error:
                error.add_note(f"Raised by the guard of {candidate!r} in statechart {self.definition.id!r}.")
                raise
        return None

    # The microstep: a set of transitions taken together.

    def _take(self, selected: Sequence[Transition]) -> bool:
        """Takes transitions together; tells whether context, states or history are others than before."""
        self.assigned = False
        before = self.history
        moves: Sequence[Move] = [each.move or movement.move_of(self.definition, each, before) for each in selected]
        entering: Sequence[Arrival]
        if len(moves) == 1:
            leaving, active = movement.divide(self.leaves, moves)
            self._record_history(leaving)
            entering = movement.arrivals(self.definition, moves[0], self.history)
        else:
            moves = movement.without_conflicts(moves)
            leaving, active = movement.divide(self.leaves, moves)
            self._record_history(leaving)
            moves, entering = movement.arrivals_together(self.definition, moves, active, self.history)
        self._perform_exits(leaving)
        for move in moves:
            if move.transition.actions:
                self._perform(move.transition.actions)
        self._enter(entering, active)
        moved = self.history is not before or not _same(self.leaves, active)
        if moved:
            # Where the same states are active again, they keep their old order, as in XState.
            self.leaves = self.matched_leaves = active
        return moved or self.assigned

    def _perform_exits(self, leaving: Sequence[StateNode]) -> None:
        for state in leaving:
            if state.exit:
                self._perform(state.exit)
            for delay in state.after:
                self._set_timer(CancelTimer(delay.event_type))

    def _record_history(self, leaving: Sequence[StateNode]) -> None:
        recorded: dict[str, tuple[StateNode, ...]] | None = None
        for state in leaving:
            for remembering in state.histories:
                below = [leaf for leaf in self.leaves if state.contains(leaf)]
                if not remembering.deep:
                    depth = len(state.lineage)
                    below = list(dict.fromkeys(leaf.lineage[depth] for leaf in below))
                if recorded is None:
                    recorded = dict(self.history)
                recorded[remembering.id] = tuple(below)
        if recorded is not None:
            self.history = recorded

    def _enter(self, entering: Sequence[Arrival], active: list[StateNode]) -> None:
        """Enters states in document order, adding the leaves among them to `active`."""
        staying = active.copy()
        for _, state, actions in entering:
            if actions:
                self._perform(actions)
            for delay in state.after:
                self._set_timer(StartTimer(delay.event_type, self._duration(delay)))
            if state.is_leaf:
                # Only history can lead to a leaf that was not left.
                if state not in staying:
                    active.append(state)
                if state.is_final:
                    self._reach_final(state, active)
        if self.completed:
            self.completed = set()
        if self.status == "done":
            everything = {state for leaf in active for state in leaf.lineage}
            self._perform_exits(sorted(everything, key=movement.document_order, reverse=True))

    def _duration(self, delay: Delay) -> timedelta:
        if isinstance(delay.duration, timedelta):
            return delay.duration
        try:
            return delay.duration(self.context, self.event)
        except Exception as error:
            error.add_note(f"Raised by the delay {delay.key!r} in statechart {self.definition.id!r}.")
            raise

    def _set_timer(self, timer: StartTimer | CancelTimer) -> None:
        # One entry per timer, the last word on it: to start a timer is to replace the one that runs.
        self.timers.pop(timer.id, None)
        self.timers[timer.id] = timer

    def _perform(self, actions: Sequence[Action]) -> None:
        for action in actions:
            try:
                action.effect.apply(self, action.params)
            except Exception as error:
                error.add_note(f"Raised by the action {action.name!r} in statechart {self.definition.id!r}.")
                raise

    # Completion.

    def _reach_final(self, state: StateNode, active: Sequence[StateNode]) -> None:
        """Raises the done events that follow from entering a final state; completes the chart with its root."""
        above = state.parent
        completing = state
        if above is not None and above.kind == "compound":
            self.queue.append(self._done_event(above, state))
            above = above.parent
        finished = {leaf.parent for leaf in active if leaf.is_final}
        while above is not None and above.kind == "parallel" and above not in self.completed:
            if not _is_finished(above, finished):
                return
            self.completed.add(above)
            self.queue.append({"type": above.done_type})
            completing, above = above, above.parent
        if above is None:
            self.status = "done"
            self._complete(completing)

    def _complete(self, completing: StateNode) -> None:
        root = self.definition.root
        if root.output is not None:
            # What the machine puts out is settled before the last exit actions run.
            done = self._done_event(completing, completing if completing is not root else None)
            self.output = self._evaluate(root.output, done)

    def _done_event(self, finished: StateNode, final: StateNode | None) -> dict[str, Any]:
        if final is None or final.output is None:
            return {"type": finished.done_type}
        return {"type": finished.done_type, "output": self._evaluate(final.output, self.event)}

    def _evaluate(self, output: OutputFunction | Constant, event: Any) -> Any:
        return deepcopy(output.value) if isinstance(output, Constant) else output(self.context, event)


def _same(before: Sequence[StateNode], after: Sequence[StateNode]) -> bool:
    # Leaves just entered come last, and most of them are new.
    return len(before) == len(after) and after[-1] in before and set(before) == set(after)


def _is_finished(state: StateNode, finished: set[StateNode | None]) -> bool:
    """Whether a state has come to its end; `finished` are the states whose active child is final."""
    if state.kind == "parallel":
        return all(_is_finished(region, finished) for region in state.children)
    return state.is_final or state in finished


def _endless(definition: Definition, trace: Sequence[tuple[StateNode, ...]]) -> EndlessLoop:
    """The error for a chart that does not settle, with the shortest cycle that its last microsteps went round."""
    period = next(
        (length for length in range(1, len(trace) // 2) if trace[-length:] == trace[-2 * length : -length]), len(trace)
    )
    cycle = [" + ".join(f"#{leaf.id}" for leaf in leaves) for leaves in trace[-period:]]
    return EndlessLoop(
        f"Statechart {definition.id!r} did not settle in {definition.max_microsteps} microsteps on one event: it goes "
        f"round {' -> '.join([*cycle, cycle[0]])}. Guard an 'always' transition in it, or stop raising its event.",
        states=tuple(cycle),
    )
