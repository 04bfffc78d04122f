"""`Handler`: answers the events of one contract, with one function for each of its versions.

How answers become events is in `emission.py`, what exceptions mean in `failures.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from arvo.contracts import Contract, ContractVersion, Payload, ServiceError
from arvo.errors import ConfigViolation, ContractViolation, DefinitionError, InvalidEvent, Issue
from arvo.events import WILDCARD_VERSION, AnswerTemplate, Event
from arvo.handlers.context import HandlerContext
from arvo.handlers.domains import DEFAULT_DOMAINS, Domain, DomainRule, DomainRules, checked_rules
from arvo.handlers.emission import Emission, outputs_in, payload_of
from arvo.handlers.emit import Emit
from arvo.handlers.failures import unanswerable
from arvo.handlers.functions import check_function
from arvo.telemetry import current_headers, event_span, record_emitted, record_failure, traced

__all__ = ["Handler", "HandlerFunction"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)

HandlerFunction: TypeAlias = Callable[[Event[A], HandlerContext], Awaitable[E | Emit[E] | Sequence[E | Emit[E]] | None]]
"""Answers one event with one payload, several, or none. Runs concurrently with itself; keep no state between calls."""


class _Served(NamedTuple):
    """A version with its function, and what would otherwise be looked up for every event."""

    version: ContractVersion[Any, Any]
    function: HandlerFunction[Any, Any]
    answers: Mapping[type[object], AnswerTemplate]
    whose: str
    """How errors call it."""


class Handler:
    """Answers the events of `contract`; make one, then give it a function for every version:

        charge_card = Handler(charge, execution_units=1)

        @charge_card.on(charge_v1)
        async def charge_in_cents(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged | CardDeclined:
            ...

    `execution_units` is what an answer costs, `domains` and `error_domains` are where answers and system errors go;
    an `Emit` can say otherwise for its answer.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        execution_units: float | None = None,
        domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
        error_domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
    ) -> None:
        self.contract: Final = contract
        self.source: Final = contract.type
        self.domain: Final = contract.domain
        self.execution_units: Final = execution_units
        self.domains: Final = checked_rules(domains)
        self.error_domains: Final = checked_rules(error_domains)
        self._stays_here = self.domains in (DEFAULT_DOMAINS, (None,))
        self._functions: dict[str, HandlerFunction[Any, Any]] = {}
        self._served: dict[str | None, _Served] = {}

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """All versions of the contract."""
        return tuple(self.contract.versions.values())

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """Nothing: a handler only answers."""
        return ()

    def on(self, version: ContractVersion[A, E]) -> Callable[[HandlerFunction[A, E]], HandlerFunction[A, E]]:
        """Decorates the function that answers events of this version; it stays callable as it is."""
        if version.contract is not self.contract:
            raise DefinitionError(
                f"{self!r} cannot serve {version.dataschema!r}: that is a version of another contract. "
                f"Pass a version of {self.contract.uri!r}, or make a Handler for the other contract."
            )

        def register(function: HandlerFunction[A, E]) -> HandlerFunction[A, E]:
            whose = f"{self!r}, version {version.version}"
            check_function(function, whose)
            if version.version in self._functions:
                raise DefinitionError(
                    f"{whose}, already has a function, and a version has only one. "
                    "Remove one of the two, or call it from the other."
                )
            self._functions[version.version] = function
            self._served.clear()
            return function

        return register

    def check(self) -> None:
        """Raise `DefinitionError` unless every version of the contract has a function; the first `execute` does too."""
        latest = self.contract.get("latest").version
        missing = [number for number in self.contract.versions if number not in self._functions]
        if missing:
            raise DefinitionError(
                f"{self!r} has no function for version{'s' * (len(missing) > 1)} {', '.join(missing)}. "
                "Every contract version needs one. Decorate it with @handler.on(...), given what "
                f".version({missing[0]!r}, ...) returned."
            )
        for number, version in self.contract.versions.items():
            answers = self._answer_templates(version)
            served = _Served(version, self._functions[number], answers, f"{self!r}, version {number},")
            self._served[version.dataschema] = served
            if number == latest:
                self._served[None] = served

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        """The answers to one event, or a system error event when the function fails.

        Without a dataschema the event is taken for one of the latest version. Raises `ConfigViolation` for an event of
        another type or an unknown version, `ContractViolation` for input or output that does not fit the contract, and
        whatever violation or `BackendError` the function raises. What else it raises is logged and answered.
        """
        with event_span("process", event, handler=self.source) as span:
            served = self._served.get(event.dataschema)
            if served is None or event.type != self.source:
                served = self._version_for(event)
            version = served.version
            accepted = version.parse_accepted(event)
            context = HandlerContext(
                event=accepted, source=self.source, version=version.version, own_domain=self.domain
            )
            try:
                returned = await served.function(accepted, context)
            except Exception as error:
                raised = unanswerable(error, version.emits)
                if raised is error:
                    raise
                if raised is not None:
                    raise raised from error
                record_failure(error)
                context.logger.warning("%s failed; the sender gets a system error.", served.whose, exc_info=error)
                events = self._system_error(event, error)
            else:
                events = self._answers(event, served, returned)
            record_emitted(span, events)
            return events

    def __repr__(self) -> str:
        return f"Handler for {self.source!r}"

    def _answer_templates(self, version: ContractVersion[Any, Any]) -> dict[type[object], AnswerTemplate]:
        try:
            return {
                payload: AnswerTemplate(
                    type=event_type,
                    source=self.source,
                    dataschema=version.dataschema,
                    executionunits=self.execution_units,
                )
                for payload, event_type in version.emit_types.items()
            }
        except InvalidEvent as error:
            raise DefinitionError(
                f"{self!r} has execution_units={self.execution_units!r}, which no event can carry. "
                "Give a finite number, or None."
            ) from error

    def _answers(self, event: Event[Any], served: _Served, returned: object) -> list[Event[Any]]:
        # Most answers are one payload, without directives, in the local domain.
        stays_here = self._stays_here and event.domain is None
        template = served.answers.get(type(returned)) if stays_here else None
        if template is not None:
            return [traced(template.answer(event, cast("Payload", returned), position=0))]
        emission = self._emission(event, to=event.redirectto or event.source, domains=self.domains)
        version = served.version
        events: list[Event[Any]] = []
        for position, output in enumerate(outputs_in(returned)):
            payload = payload_of(output)
            event_type = version.emit_types.get(type(payload))
            if event_type is None:
                raise _undeclared(payload, served)
            events += emission.events(
                output,
                type=event_type,
                dataschema=version.dataschema,
                position=position,
                contract_domain=self.domain,
            )
        return events

    def _system_error(self, event: Event[Any], error: Exception) -> list[Event[Any]]:
        # An event has one outcome: should it be handled twice and fail once, position 0 makes duplicates of the two.
        return self._emission(event, to=event.source, domains=self.error_domains).events(
            ServiceError.from_exception(error),
            type=self.contract.system_error_type,
            dataschema=f"{self.contract.uri}/{WILDCARD_VERSION}",
            position=0,
            contract_domain=self.domain,
        )

    def _emission(self, event: Event[Any], *, to: str, domains: tuple[DomainRule, ...]) -> Emission:
        traceparent, tracestate = current_headers()
        return Emission(
            consumed=event,
            source=self.source,
            subject=event.subject,
            parentid=event.id,
            to=to,
            execution_units=self.execution_units,
            domains=domains,
            own_domain=self.domain,
            traceparent=traceparent,
            tracestate=tracestate,
        )

    def _version_for(self, event: Event[Any]) -> _Served:
        """The slow way to the version: fills the table, or says why the event has no version."""
        self.check()
        if event.type != self.source:
            raise ConfigViolation(
                f"{self!r} got event {event.id!r} of type {event.type!r} from {event.source!r}. "
                "Address the event to the handler of its type, or correct its type."
            )
        served = self._served.get(event.dataschema)
        if served is not None:
            return served
        uri, _, number = str(event.dataschema).rpartition("/")
        if uri != self.contract.uri:
            raise ContractViolation(
                f"{self!r} follows the contract {self.contract.uri!r}, but event {event.id!r} from {event.source!r} "
                f"has the dataschema {event.dataschema!r}. Send it with one of {self._schemas()}, or with none.",
                issues=[Issue(("dataschema",), f"{event.dataschema!r} is of another contract", "contract_mismatch")],
            )
        raise ConfigViolation(
            f"{self!r} does not know version {number!r} of event {event.id!r} from {event.source!r}. "
            f"Send it with one of {self._schemas()}, or deploy a handler that has this version."
        )

    def _schemas(self) -> str:
        return ", ".join(repr(schema) for schema in self._served if schema is not None)


def _undeclared(payload: object, served: _Served) -> ContractViolation:
    name = type(payload).__name__
    declared = ", ".join(emitted.__name__ for emitted in served.version.emits) or "nothing"
    return ContractViolation(
        f"{served.whose} returned {name}, but the version emits {declared}. Return instances of those very classes, "
        f"each by itself or in an Emit, one or a list of them, or add {name} to the version's emits."
    )
