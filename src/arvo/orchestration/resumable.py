"""`Resumable`: a workflow written as one function per contract version, called again for each event it gets.

Turns and answers are in `turn.py`; how an event is taken, saved and answered is in `execution.py`, which statechart
workflows share. A definition knows no memory until it is bound to one (`binding.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Never, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from arvo.contracts import OrchestratorVersion, Payload, ServiceError, Services
from arvo.contracts import services as services_of
from arvo.errors import ConfigViolation, ContractViolation, DefinitionError
from arvo.handlers import Emit, check_function
from arvo.orchestration.definition import WorkflowDefinition
from arvo.orchestration.record import StoredReplies
from arvo.orchestration.state import STATE, check_state_class, dump_state, load_state
from arvo.orchestration.timers import NO_DEADLINES, WAKE, Timeout, Timer, deadline_of
from arvo.orchestration.turn import Done, Turn, Wait
from arvo.orchestration.vocabulary import Vocabulary
from arvo.orchestration.workflow import Step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from arvo.contracts import ContractVersion
    from arvo.handlers import Output
    from arvo.orchestration.workflow import Delivery

__all__ = ["Resumable", "ResumableFunction"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)
S = TypeVar("S", bound=BaseModel)
C = TypeVar("C", bound=Payload)
R = TypeVar("R", bound=Payload)

ResumableFunction: TypeAlias = Callable[[Turn[A | R | ServiceError, S]], Awaitable[Wait[S, C] | Done[E, S, C]]]
"""Decides what a workflow does next. It may be called again for the same event, so let services do what has effects."""

LonelyFunction: TypeAlias = Callable[[Turn[A, S]], Awaitable[Wait[S, Never] | Done[E, S, Never]]]
"""The function of a workflow without services: only its own request can wake it up."""


class Resumable(WorkflowDefinition["_ResumableVersion"]):
    """A workflow of `contract`; make one, then give it a function for every version:

        place_order = Resumable(order)

        @place_order.on(order_v1, state=OrderState, services=services(reserve_v1, charge_v1))
        async def advance(
            turn: Turn[PlaceOrder | StockReserved | CardCharged | CardDeclined | ServiceError, OrderState],
        ) -> Wait[OrderState, ReserveStock | ChargeCard] | Done[OrderPlaced | OrderFailed]: ...

    `execution_units` is what each emitted event costs; `call_domains`, `domains` and `error_domains` are where calls,
    the output and system errors go; an `Emit` can say otherwise for its event. With `lock=False`, events of one
    execution that arrive together are sorted out when they are saved, by repeating all but one.
    """

    _runs_by = "function"
    _added_by = "Decorate it with @workflow.on(...), given"

    @overload
    def on(
        self,
        version: ContractVersion[A, E],
        *,
        state: type[S],
        services: Services[C, R],
        timeouts: Literal[False] = ...,
    ) -> Callable[[ResumableFunction[A, R, S, C, E]], ResumableFunction[A, R, S, C, E]]: ...
    @overload
    def on(
        self, version: ContractVersion[A, E], *, state: type[S], services: Services[C, R], timeouts: Literal[True]
    ) -> Callable[[ResumableFunction[A | Timeout, R, S, C, E]], ResumableFunction[A | Timeout, R, S, C, E]]: ...
    @overload
    def on(
        self, version: ContractVersion[A, E], *, state: type[S], timeouts: Literal[False] = ...
    ) -> Callable[[LonelyFunction[A, S, E]], LonelyFunction[A, S, E]]: ...
    @overload
    def on(
        self, version: ContractVersion[A, E], *, state: type[S], timeouts: Literal[True]
    ) -> Callable[[LonelyFunction[A | Timeout, S, E]], LonelyFunction[A | Timeout, S, E]]: ...
    def on(
        self,
        version: ContractVersion[Any, Any],
        *,
        state: type[BaseModel],
        services: Services[Any, Any] | None = None,
        timeouts: bool = False,
    ) -> Callable[[Any], Any]:
        """Decorates the function that runs this version; it stays callable as it is.

        `state` is the class of what it keeps between turns, `services` are what it calls. Both are checked here. With
        `timeouts`, it may ask for `wake_after` and deadlines, and must be ready for a `Timeout`.
        """
        if self.contract.versions.get(version.version) is not version or not isinstance(version, OrchestratorVersion):
            raise DefinitionError(
                f"{self!r} cannot run {version.dataschema}, a version of another contract, {version.contract.uri!r}. "
                f"Run it with Resumable(...) of that contract, or pass a version of {self.contract.uri!r}."
            )
        if version.version in self._versions:
            raise DefinitionError(
                f"{self!r} already has a function for version {version.version}. One version has one function: "
                "remove one of the two, or decide within it."
            )
        check_state_class(state, workflow=version.dataschema)
        vocabulary = Vocabulary(version, services_of() if services is None else services)

        def register(function: Any) -> Any:
            check_function(function, f"{self!r}, version {version.version}")
            self._versions[version.version] = _ResumableVersion(vocabulary, function, state, timeouts=timeouts)
            return function

        return register


class _ResumableVersion:
    """One version: its function and what the wrapper needs to know."""

    __slots__ = ("function", "state", "timeouts", "vocabulary")
    remembers_calls = True

    def __init__(
        self,
        vocabulary: Vocabulary,
        function: ResumableFunction[Any, Any, Any, Any, Any],
        state: type[BaseModel],
        *,
        timeouts: bool,
    ) -> None:
        self.vocabulary = vocabulary
        self.function = function
        self.state = state
        self.timeouts = timeouts

    async def step(self, delivery: Delivery) -> Step:
        """Call the function, and read its answer as a step."""
        own = self.vocabulary.own
        if delivery.timer is not None and not self.timeouts:
            raise ConfigViolation(
                f"Workflow {own.dataschema} got a Timeout that it asked for when it took timeouts, which it no longer "
                "does. Put timeouts=True back, or make a new version of the workflow without it."
            )
        stored = None if delivery.record is None else delivery.record.own_state
        turn: Turn[Any, Any] = Turn(
            event=delivery.event,
            source=own.accepted_type,
            version=own.version,
            own_domain=own.contract.domain,
            state=None if stored is None else load_state(self.state, stored, workflow=own.dataschema),
            collected=StoredReplies(delivery.expected, self.vocabulary.read_reply),
            init_event_id=delivery.init_event_id,
            parent_subject=delivery.parent_subject,
        )
        answer = await self.function(turn)
        if not isinstance(answer, Wait | Done):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ContractViolation(
                f"The function of workflow {own.dataschema} returned {answer!r:.80}. "
                "It must return Wait(state, calls) to go on or Done(output) to end."
            )
        fields = {STATE: stored if answer.state is None else self._dumped(answer.state)}
        if isinstance(answer, Done):
            return Step(calls=tuple(answer.calls), output=answer.output, fields=fields)
        calls, deadlines = _without_deadlines(answer.calls)
        if not self.timeouts and (deadlines or answer.wake_after is not None):
            raise ContractViolation(
                f"The function of workflow {own.dataschema} asked for a Timeout by "
                f"{'a deadline' if deadlines else 'wake_after'}, but does not say that it takes any. Declare it with "
                ".on(..., timeouts=True), or leave that out."
            )
        return Step(
            calls=calls,
            deadlines=deadlines,
            starts=() if answer.wake_after is None else (Timer(Timeout(timer=WAKE), answer.wake_after),),
            timers=delivery.timers_but((WAKE, deadline_of(delivery.event.parentid))),
            fields=fields,
        )

    def _dumped(self, state: object) -> Any:
        if not isinstance(state, self.state):
            raise ContractViolation(
                f"The function of workflow {self.vocabulary.own.dataschema} returned a {type(state).__name__} as its "
                f"state, but its state is {self.state.__name__}. Return that, or None to keep the state there is."
            )
        return dump_state(state)


def _without_deadlines(calls: Sequence[Output]) -> tuple[Sequence[Output], Mapping[int, timedelta]]:
    """The calls, and the deadlines of those that have one, by position."""
    calls = tuple(calls)
    if not any(isinstance(call, Emit) for call in calls):
        return calls, NO_DEADLINES
    deadlines = {
        position: call.deadline
        for position, call in enumerate(calls)
        if isinstance(call, Emit) and call.deadline is not None
    }
    return [replace(call, deadline=None) if isinstance(call, Emit) else call for call in calls], deadlines
