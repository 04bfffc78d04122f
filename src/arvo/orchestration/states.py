"""The states of a machine as its author writes them in typed Python: what they do, and what leads out of them.

Only types and words: what is written goes into a `DraftedState`, and `machine_builder.py` makes a chart of it. What the
attached functions may return is read in `state_functions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar, cast

from pydantic import BaseModel

from arvo.contracts import ContractVersion, Payload, Service
from arvo.handlers import Emit
from arvo.orchestration.conditions import Guard
from arvo.orchestration.state_functions import Signal
from arvo.statecharts import Action, StateBlueprint, StateIn, TransitionBlueprint

if TYPE_CHECKING:
    from datetime import timedelta

    from arvo.orchestration.drafted_state import DraftedState

__all__ = ["ReplyClass", "Result", "State", "Target"]

S = TypeVar("S", bound=BaseModel)
C = TypeVar("C", bound=Payload)
R = TypeVar("R", bound=Payload)
D = TypeVar("D", bound=Payload)
Own_co = TypeVar("Own_co", bound=Payload, covariant=True)
Known_co = TypeVar("Known_co", bound=Payload, covariant=True)

Result: TypeAlias = S | C | Emit[C] | Signal | Sequence[S | C | Emit[C] | Signal] | None
"""What an action wants: a new state, calls of services, signals; alone or several in a sequence."""

StateFunction: TypeAlias = Callable[[S], Result[S, C]]
ReplyFunction: TypeAlias = Callable[[S, D], Result[S, C]]


class ReplyClass(Protocol[Own_co, Known_co]):
    """A payload class that is both itself and one of those that a machine knows.

    A plain `type[D]` could not be held to the union of all replies, because no type variable bounds another one. Two
    constructors that return the same class can: one binds the class itself, the other has to fit the union.
    """

    def model_validate(self, obj: Any) -> Own_co:
        """Binds the class."""
        ...

    def model_construct(self, *args: Any, **kwargs: Any) -> Known_co:
        """Holds it to the union."""
        ...


class Target(Generic[S]):
    """What transitions can lead to: a state, or a history state, which stands for those that were active last."""

    def __init__(self, drafted: DraftedState) -> None:
        self.drafted: Final = drafted

    @property
    def name(self) -> str:
        """What it is called within its parent."""
        return self.drafted.blueprint.key

    def __repr__(self) -> str:
        return f"<{self.drafted}>"


Targets: TypeAlias = Target[S] | Sequence[Target[S]] | None


class State(Target[S], Generic[S, C, R]):
    """One state of a machine, and the states in it.

    Its methods attach functions. Each gets the state model, or what a reply carried too, and returns what it wants: a
    new model, calls of services, or several of these in a list or tuple; None changes nothing.

    A transition is there as soon as its method is called; as a decorator, the method gives it an action. Those of one
    event are tried in the order in which they were written, those of inner states first.
    """

    def state(self, name: str, *, final: bool = False, tags: Sequence[str] = ()) -> State[S, C, R]:
        """A state in this one. The first is where this one starts, unless `start` says otherwise.

        Once a final one is entered, this state is done.
        """
        return State(self.drafted.child(StateBlueprint(name, "final" if final else "atomic", tags=_several(tags))))

    def parallel(self, name: str, *, tags: Sequence[str] = ()) -> State[S, C, R]:
        """A state in this one whose own states are active together; it is done once all of them are."""
        return State(self.drafted.child(StateBlueprint(name, "parallel", tags=_several(tags))))

    def history(self, name: str = "history", *, deep: bool = False, default: Target[S] | None = None) -> Target[S]:
        """A target that leads back to where this state was left: to its own states, or with `deep` to the innermost.

        Where it was never left, it leads to `default`, or to where this state starts.
        """
        history = self.drafted.child(StateBlueprint(name, "history", deep=deep))
        if default is not None:
            history.blueprint.history_targets = (history.reference(default.drafted),)
        return Target(history)

    def start(self, *, at: Target[S]) -> Callable[[StateFunction[S, C]], StateFunction[S, C]]:
        """Say in which of its states this one starts; decorated functions run on the way there."""
        self.drafted.start_at(at.drafted)

        def register(function: StateFunction[S, C]) -> StateFunction[S, C]:
            self.drafted.blueprint.initial_actions += (self._action(function, "start"),)
            return function

        return register

    def enter(self, function: StateFunction[S, C]) -> StateFunction[S, C]:
        """Decorates a function that runs whenever the state is entered."""
        self.drafted.blueprint.entry += (self._action(function, "enter"),)
        return function

    def exit(self, function: StateFunction[S, C]) -> StateFunction[S, C]:
        """Decorates a function that runs whenever the state is left."""
        self.drafted.blueprint.exit += (self._action(function, "exit"),)
        return function

    def on(
        self,
        reply: ReplyClass[D, R],
        *,
        of: Service[C, R] | None = None,
        to: Targets[S] = None,
        when: Callable[[S], bool] | Callable[[S, D], bool] | Guard[S, D] | None = None,
        reenter: bool = False,
    ) -> Callable[[ReplyFunction[S, D, C]], ReplyFunction[S, D, C]]:
        """Take a reply if `when` holds, and go to `to`; without a target, stay.

            @reserving.on(StockReserved, to=charging)
            def keep_hold(state: OrderState, reply: StockReserved) -> OrderState: ...

        `of` names the service, where several send the class, as all do a `ServiceError`. With `reenter`, a state that
        leads to itself or to a state in it is left and entered again.
        """
        return self._on_reply(cast("type[D]", reply), of, to, when, reenter=reenter)

    def on_any(
        self,
        *,
        of: Service[C, R] | None = None,
        to: Targets[S] = None,
        when: Callable[[S], bool] | Callable[[S, R], bool] | Guard[S, R] | None = None,
        reenter: bool = False,
    ) -> Callable[[ReplyFunction[S, R, C]], ReplyFunction[S, R, C]]:
        """Take any reply, of one service or of all, that no `on` of this state takes; else like `on`."""
        return self._on_reply(None, of, to, when, reenter=reenter)

    def on_signal(
        self,
        signal: Signal,
        *,
        to: Targets[S] = None,
        when: Callable[[S], bool] | Guard[S, None] | None = None,
        reenter: bool = False,
    ) -> Callable[[StateFunction[S, C]], StateFunction[S, C]]:
        """Take a signal that an action of this machine returned; else like `on`."""
        transition = self.drafted.transition(signal.name, _drafted(to), when, reenter=reenter)
        self.drafted.on_signal(signal, transition)
        return self._with_action(transition, signal.name)

    def on_done(
        self,
        *,
        to: Targets[S] = None,
        when: Callable[[S], bool] | Guard[S, None] | None = None,
        reenter: bool = False,
    ) -> Callable[[StateFunction[S, C]], StateFunction[S, C]]:
        """Go on once this state is done: a final state in it is active, or all its parallel ones are done."""
        transition = self.drafted.transition("done", _drafted(to), when, reenter=reenter)
        self.drafted.blueprint.on_done.append(transition)
        return self._with_action(transition, "done")

    def always(
        self,
        *,
        to: Targets[S] = None,
        when: Callable[[S], bool] | Guard[S, None] | None = None,
        reenter: bool = False,
    ) -> Callable[[StateFunction[S, C]], StateFunction[S, C]]:
        """Go on without waiting for anything, as soon as `when` holds."""
        transition = self.drafted.transition("always", _drafted(to), when, reenter=reenter)
        self.drafted.blueprint.always.append(transition)
        return self._with_action(transition, "always")

    def after(
        self,
        delay: timedelta | Callable[[S], timedelta],
        *,
        to: Targets[S] = None,
        when: Callable[[S], bool] | Guard[S, None] | None = None,
        reenter: bool = False,
    ) -> Callable[[StateFunction[S, C]], StateFunction[S, C]]:
        """Go on once this state has been active for so long; a function works that out when the state is entered.

        Leaving the state ends the wait, and entering it again begins a new one. If `when` does not hold at that moment,
        the moment passes.
        """
        transition = self.drafted.transition("after", _drafted(to), when, reenter=reenter)
        self.drafted.on_time(delay, transition)
        return self._with_action(transition, "after")

    @property
    def active(self) -> Guard[S, object]:
        """The condition that this state is active. Combine conditions by `all_of`, `any_of` and `not_`."""
        reference = self.drafted.reference(self.drafted)
        return Guard(lambda _: StateIn(reference))

    def _on_reply(
        self, payload: type[D] | None, of: Service[C, R] | None, to: Targets[S], when: Any, *, reenter: bool
    ) -> Callable[[ReplyFunction[S, D, C]], ReplyFunction[S, D, C]]:
        event = "any" if payload is None else getattr(payload, "__name__", str(payload))
        transition = self.drafted.transition(event, _drafted(to), when, reenter=reenter, takes_reply=True)
        self.drafted.on_reply(payload, cast("ContractVersion[Any, Any] | None", of), transition)

        def register(function: ReplyFunction[S, D, C]) -> ReplyFunction[S, D, C]:
            transition.actions += (self._action(function, event, takes_reply=True),)
            return function

        return register

    def _with_action(
        self, transition: TransitionBlueprint, event: str
    ) -> Callable[[StateFunction[S, C]], StateFunction[S, C]]:
        def register(function: StateFunction[S, C]) -> StateFunction[S, C]:
            transition.actions += (self._action(function, event),)
            return function

        return register

    def _action(self, function: Callable[..., Any], event: str, *, takes_reply: bool = False) -> Action:
        return self.drafted.draft.action(function, self.drafted.within(event), takes_reply=takes_reply)


def _drafted(to: Targets[Any]) -> DraftedState | list[DraftedState] | None:
    if to is None:
        return None
    if isinstance(to, Target):
        return to.drafted
    return [target.drafted for target in to]


def _several(tags: Sequence[str]) -> tuple[str, ...]:
    return (tags,) if isinstance(tags, str) else tuple(tags)
