"""`Machine`: a statechart written in typed Python, one for each version of a workflow.

How its states are written is in `states.py`; here the whole becomes a chart. Charts that are XState documents, and what
all machines have, are in `machine.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Never, TypeVar, cast, overload

from pydantic import BaseModel

from arvo.contracts import ContractVersion, OrchestratorVersion, Payload, ServiceError, Services
from arvo.contracts import services as services_of
from arvo.errors import DefinitionError
from arvo.orchestration.draft_checks import draft_issues
from arvo.orchestration.drafted_state import DraftedState
from arvo.orchestration.machine import ChartMachine, workflow_version
from arvo.orchestration.machine_draft import MachineDraft
from arvo.orchestration.state import check_state_class, dump_state, load_state
from arvo.orchestration.state_functions import STATE, check_function, checked_state, output_function
from arvo.orchestration.states import State, Target
from arvo.statecharts import ChartBlueprint, StateBlueprint, compile_chart, raise_issues, to_xstate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from arvo.handlers import Emit
    from arvo.orchestration.state_functions import Signal
    from arvo.statecharts import Definition

__all__ = ["Machine"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)
S = TypeVar("S", bound=BaseModel)
C = TypeVar("C", bound=Payload)
R = TypeVar("R", bound=Payload)
# The type variables of a class cannot say what its own `self` is.
Accepts = TypeVar("Accepts", bound=Payload)
Emits = TypeVar("Emits", bound=Payload)
Model = TypeVar("Model", bound=BaseModel)


class Machine(ChartMachine[A, E, S, C, R]):
    """The statechart of one version of a workflow; `Machine.from_xstate` makes one of a document instead.

        machine = Machine(order_v1, state=OrderState, services=services(reserve_v1, charge_v1))
        reserving = machine.state("reserving")
        placed = machine.state("placed")

        @machine.start(at=reserving)
        def begin(order: PlaceOrder) -> OrderState: ...

        @reserving.enter
        def ask_for_stock(state: OrderState) -> ReserveStock: ...

        @reserving.on(StockReserved, to=placed)
        def keep_hold(state: OrderState, reply: StockReserved) -> OrderState: ...

        @machine.final(at=placed)
        def report(state: OrderState) -> OrderPlaced: ...

    `state` is the class of what it keeps between events. Functions get it and return a new one; they must do nothing
    else, since a step may be repeated. The machine is complete, and checked, once it is put into an `Orchestrator`.
    """

    @overload
    def __init__(self, version: ContractVersion[A, E], *, state: type[S], services: Services[C, R]) -> None: ...
    @overload
    def __init__(
        self: Machine[Accepts, Emits, Model, Never, Never],
        version: ContractVersion[Accepts, Emits],
        *,
        state: type[Model],
    ) -> None: ...
    def __init__(
        self, version: ContractVersion[Any, Any], *, state: type[BaseModel], services: Services[Any, Any] | None = None
    ) -> None:
        called = services_of() if services is None else services
        own = workflow_version(version)
        check_state_class(state, workflow=own.dataschema)
        _check_is_no_call(state, own, called)
        chart = _PythonChart(own, state, called)
        super().__init__(version, services=called, chart=chart)
        self._chart: Final = chart
        self.root: Final[State[S, C, R | ServiceError]] = State(chart.root)
        """The state around all others: what it takes is taken everywhere, unless a state within takes it."""

    def state(self, name: str, *, final: bool = False, tags: Sequence[str] = ()) -> State[S, C, R | ServiceError]:
        """A state of the machine. Called on a state, the same gives a state in it."""
        return self.root.state(name, final=final, tags=tags)

    def parallel(self, name: str, *, tags: Sequence[str] = ()) -> State[S, C, R | ServiceError]:
        """A state of the machine whose own states are active together; it is done once all of them are."""
        return self.root.parallel(name, tags=tags)

    def start(self, *, at: Target[S]) -> Callable[[Callable[[A], S]], Callable[[A], S]]:
        """Decorates the function that makes the state of what started the workflow, which goes on in `at`."""
        self.root.start(at=at)

        def register(function: Callable[[A], S]) -> Callable[[A], S]:
            self._chart.start_with(function)
            return function

        return register

    def final(self, *, at: State[S, C, Any]) -> Callable[[Callable[[S], E | Emit[E]]], Callable[[S], E | Emit[E]]]:
        """Decorates the function that makes the workflow's output, once it ends in `at`."""

        def register(function: Callable[[S], E | Emit[E]]) -> Callable[[S], E | Emit[E]]:
            self._chart.end_with(function, at.drafted)
            return function

        return register

    def signal(self, name: str) -> Signal:
        """An event by which the machine tells itself something: actions return it, `state.on_signal` takes it."""
        return self._chart.draft.signal(name)


def _check_is_no_call(state: type[BaseModel], own: OrchestratorVersion[Any, Any], services: Services[Any, Any]) -> None:
    for accepted, service in services.by_accepts.items():
        if issubclass(accepted, state) or issubclass(state, accepted):
            raise DefinitionError(
                f"State {state.__name__} of {own.dataschema} is also what {service.dataschema} accepts, so an action "
                "that returns one could mean either. Give the state a class of its own."
            )


class _PythonChart:
    """The chart of a machine written in Python. Its context is the state: a model while a step runs, JSON when kept."""

    def __init__(
        self, version: OrchestratorVersion[Any, Any], model: type[BaseModel], services: Services[Any, Any]
    ) -> None:
        self.draft: Final = MachineDraft(version, model, services)
        self.root: Final = DraftedState(self.draft, StateBlueprint(self.draft.name, "atomic"), None)
        self._version = version
        self._begin: Callable[[Any], object] | None = None
        self._compiled: tuple[Definition, str] | None = None

    def start_with(self, function: Callable[[Any], object]) -> None:
        """Make the first state by this function, of what started the workflow."""
        self.draft.change()
        if self._begin is not None:
            raise DefinitionError(
                f"The {self.draft.title} has a start already. Decorate one function with @machine.start(at=...), and "
                "let a first state with .always(to=..., when=...) choose where to go on."
            )
        check_function(function, f"The start of the {self.draft.title}", arguments=("request",))
        self._begin = function

    def end_with(self, function: Callable[[Any], object], at: DraftedState) -> None:
        """Make the output in this state by this function."""
        check_function(function, f"The output at {at}", arguments=("state",))
        at.end_with(output_function(function))

    @property
    def definition(self) -> Definition:
        return self._compile()[0]

    @property
    def document(self) -> str:
        return self._compile()[1]

    def load_context(self, kept: dict[str, Any]) -> dict[str, Any]:
        return {STATE: load_state(self.draft.model, kept, workflow=self._version.dataschema)}

    def dump_context(self, context: dict[str, Any]) -> dict[str, Any]:
        return cast("dict[str, Any]", dump_state(context[STATE]))

    def _compile(self) -> tuple[Definition, str]:
        if self._compiled is None:
            begin, draft = self._begin, self.draft
            raise_issues(draft.name, draft_issues(self.root, starts=begin is not None))
            assert begin is not None, "that would have been an issue"  # noqa: S101
            self.root.settle()
            self.root.blueprint.output = lambda _context, done: done["output"]
            what = f"The start of the {draft.title}"
            definition = compile_chart(
                ChartBlueprint(
                    root=self.root.blueprint,
                    context=lambda request: {STATE: checked_state(begin(request.data), draft.model, what)},
                    guards=draft.guards,
                    effects=draft.effects,
                    version=self._version.version,
                )
            )
            document = json.dumps(to_xstate(definition), separators=(",", ":"), ensure_ascii=False)
            self._compiled = definition, document
            draft.finished = True
        return self._compiled
