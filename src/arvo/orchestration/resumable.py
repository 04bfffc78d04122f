"""`Resumable`: a workflow written as one function per contract version, called again for each event it gets.

Turns and answers are in `turn.py`; how an event is taken, saved and answered is in `execution.py`, which statechart
workflows share. A definition knows no memory until it is bound to one (`binding.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Never, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from arvo.contracts import OrchestratorContract, OrchestratorVersion, Payload, ServiceError, Services
from arvo.contracts import services as services_of
from arvo.errors import ContractViolation, DefinitionError
from arvo.handlers import Domain, check_function, checked_rules
from arvo.orchestration.binding import BoundWorkflow
from arvo.orchestration.record import StoredReplies
from arvo.orchestration.state import STATE, check_state_class, dump_state, load_state
from arvo.orchestration.turn import Done, Turn, Wait
from arvo.orchestration.vocabulary import Vocabulary
from arvo.orchestration.workflow import Step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.contracts import ContractVersion
    from arvo.handlers import DomainRules
    from arvo.orchestration.workflow import Delivery
    from arvo.ports import MachineMemory

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


class Resumable:
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

    def __init__(
        self,
        contract: OrchestratorContract,
        *,
        execution_units: float | None = None,
        lock: bool = True,
        call_domains: DomainRules = Domain.LOCAL,
        domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
        error_domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
    ) -> None:
        if not isinstance(contract, OrchestratorContract):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DefinitionError(
                f"A Resumable needs an OrchestratorContract, got {contract!r}. Declare it as "
                "OrchestratorContract(...), or use a Handler where no state has to be kept."
            )
        self.contract: Final = contract
        self.source: Final = contract.type
        self.domain: Final = contract.domain
        self.execution_units: Final = execution_units
        self.lock: Final = lock
        self.call_domains: Final = checked_rules(call_domains)
        self.domains: Final = checked_rules(domains)
        self.error_domains: Final = checked_rules(error_domains)
        self._versions: Final[dict[str, _ResumableVersion]] = {}

    @property
    def versions(self) -> Mapping[str, _ResumableVersion]:
        """What runs each version, in the order they were given."""
        return MappingProxyType(self._versions)

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """All versions of the contract."""
        return tuple(self.contract.versions.values())

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The services of all versions, each once."""
        return tuple(
            dict.fromkeys(
                service for version in self._versions.values() for service in version.vocabulary.services.versions
            )
        )

    @overload
    def on(
        self, version: ContractVersion[A, E], *, state: type[S], services: Services[C, R]
    ) -> Callable[[ResumableFunction[A, R, S, C, E]], ResumableFunction[A, R, S, C, E]]: ...
    @overload
    def on(
        self, version: ContractVersion[A, E], *, state: type[S]
    ) -> Callable[[LonelyFunction[A, S, E]], LonelyFunction[A, S, E]]: ...
    def on(
        self, version: ContractVersion[Any, Any], *, state: type[BaseModel], services: Services[Any, Any] | None = None
    ) -> Callable[[Any], Any]:
        """Decorates the function that runs this version; it stays callable as it is.

        `state` is the class of what it keeps between turns, `services` are what it calls. Both are checked here.
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
            self._versions[version.version] = _ResumableVersion(vocabulary, function, state)
            return function

        return register

    def check(self) -> None:
        """Raise `DefinitionError` unless every version of the contract has a function; `bind` does too."""
        missing = [number for number in self.contract.versions if number not in self._versions]
        if missing:
            raise DefinitionError(
                f"{self!r} has no function for version{'s' * (len(missing) > 1)} {', '.join(missing)}. "
                "Every contract version needs one. Decorate it with @workflow.on(...), given what "
                f".version({missing[0]!r}, ...) returned."
            )

    def bind(self, memory: MachineMemory, *, lock: bool | None = None) -> BoundWorkflow:
        """The workflow as a handler that keeps its state in `memory`.

        `lock` overrules the definition's: False where the caller never runs two events of one subject at once.
        """
        self.check()
        return BoundWorkflow(self, memory, lock=self.lock if lock is None else lock)

    def __repr__(self) -> str:
        return f"Resumable for {self.source!r}"


class _ResumableVersion:
    """One version: its function and what the wrapper needs to know."""

    __slots__ = ("function", "state", "vocabulary")

    def __init__(
        self, vocabulary: Vocabulary, function: ResumableFunction[Any, Any, Any, Any, Any], state: type[BaseModel]
    ) -> None:
        self.vocabulary = vocabulary
        self.function = function
        self.state = state

    @property
    def remembers_calls(self) -> bool:
        return True

    async def step(self, delivery: Delivery) -> Step:
        """Call the function, and read its answer as a step."""
        own = self.vocabulary.own
        stored = None if delivery.record is None else delivery.record.raw.get(STATE)
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
        return Step(
            calls=tuple(answer.calls),
            output=answer.output if isinstance(answer, Done) else None,
            fields={STATE: stored if answer.state is None else self._dumped(answer.state)},
        )

    def _dumped(self, state: object) -> Any:
        if not isinstance(state, self.state):
            raise ContractViolation(
                f"The function of workflow {self.vocabulary.own.dataschema} returned a {type(state).__name__} as its "
                f"state, but its state is {self.state.__name__}. Return that, or None to keep the state there is."
            )
        return dump_state(state)
