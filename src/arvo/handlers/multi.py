"""`MultiHandler`: takes events of any type that are addressed to its source, under no contract of its own.

For what cuts across contracts: audits, bridges, translations. What has one contract is a `Handler`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import msgspec

from arvo.contracts import Payload, ServiceError
from arvo.errors import ConfigViolation, ContractViolation, DefinitionError
from arvo.events import Event, JsonObject, derive_event_id, is_event_type
from arvo.handlers.context import HandlerContext
from arvo.handlers.domains import Domain, DomainRule, DomainRules, checked_rules
from arvo.handlers.emission import Emission, outputs_in, payload_of
from arvo.handlers.emit import Emit
from arvo.handlers.failures import unanswerable
from arvo.handlers.functions import check_function
from arvo.telemetry import current_headers, event_span, record_emitted, record_failure, traced

if TYPE_CHECKING:
    from arvo.contracts import ContractVersion

__all__ = ["MultiFunction", "MultiHandler", "MultiOutput"]

MultiOutput: TypeAlias = Payload | Emit[Any] | Event[Any]

MultiFunction: TypeAlias = Callable[
    [Event[JsonObject], HandlerContext], Awaitable[MultiOutput | Sequence[MultiOutput] | None]
]
"""Takes one event with its data as plain JSON; `version.parse_accepted(event)` and `.parse_emitted(event)` type it."""


class MultiHandler:
    """Handles whatever is sent to `source` with one function:

        audit = MultiHandler("com.audit.log")

        @audit.handle
        async def record(event: Event[JsonObject], ctx: HandlerContext) -> None:
            ...

    The function may return payloads that have an event type, which answer the sender as a `Handler`'s do, and ready
    events, for example from `version.request(...)`, which keep their address, subject and data; id, source and parentid
    are always the handler's. A failure is answered with a `sys.<source>.error` event.
    """

    def __init__(
        self,
        source: str,
        *,
        execution_units: float | None = None,
        domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
        error_domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
    ) -> None:
        self.source: Final = source
        self.domain: Final[str | None] = None
        self.execution_units: Final = execution_units
        self.domains: Final = checked_rules(domains)
        self.error_domains: Final = checked_rules(error_domains)
        self.system_error_type: Final = f"sys.{source}.error"
        self._function: MultiFunction | None = None
        if not is_event_type(self.system_error_type):
            raise DefinitionError(
                f"A MultiHandler cannot have the source {source!r}, because its errors could not be named after it. "
                "Use dot-separated segments of lower-case letters and digits, for example 'com.audit.log'."
            )

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """Nothing in particular: any event type is taken."""
        return ()

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """Nothing: no answers are awaited."""
        return ()

    def handle(self, function: MultiFunction) -> MultiFunction:
        """Decorates the function that handles the events; it stays callable as it is."""
        check_function(function, repr(self))
        if self._function is not None:
            raise DefinitionError(f"{self!r} already has a function. Remove one of the two, or call it from the other.")
        self._function = function
        return function

    def check(self) -> None:
        """Raise `DefinitionError` unless there is a function; `execute` does too."""
        self._checked_function()

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        """What comes of one event, or a system error event when the function fails.

        Raises `ConfigViolation` for an event with another address, `ContractViolation` for an output that cannot be
        emitted, and whatever violation or `BackendError` the function raises. What else it raises is logged and
        answered.
        """
        with event_span("process", event, handler=self.source) as span:
            events = await self._handled(event)
            record_emitted(span, events)
            return events

    def __repr__(self) -> str:
        return f"MultiHandler for {self.source!r}"

    def _checked_function(self) -> MultiFunction:
        if self._function is None:
            raise DefinitionError(f"{self!r} has no function. Decorate one with @handler.handle.")
        return self._function

    async def _handled(self, event: Event[Any]) -> list[Event[Any]]:
        function = self._checked_function()
        if event.to != self.source:
            raise ConfigViolation(
                f"{self!r} got event {event.id!r} from {event.source!r}, which is addressed to {event.to!r}. "
                f"Address the event to {self.source!r}, or route it by its `to`."
            )
        seen = event if event.model is None else event.with_data(msgspec.json.decode(event.data_json))
        context = HandlerContext(event=seen, source=self.source)
        try:
            returned = await function(seen, context)
        except Exception as error:
            raised = unanswerable(error, ())
            if raised is error:
                raise
            if raised is not None:
                raise raised from error
            record_failure(error)
            context.logger.warning("%r failed; the sender gets a system error.", self, exc_info=error)
            return self._system_error(event, error)
        return self._outputs(event, returned)

    def _outputs(self, event: Event[Any], returned: object) -> list[Event[Any]]:
        emission = self._emission(event, to=event.redirectto or event.source, domains=self.domains)
        events: list[Event[Any]] = []
        for position, output in enumerate(cast("Sequence[MultiOutput]", outputs_in(returned))):
            if isinstance(output, Event):
                events.append(self._own(output, event, position))
            else:
                event_type = self._type_of(payload_of(output))
                events += emission.events(output, type=event_type, dataschema=None, position=position)
        return events

    def _type_of(self, payload: object) -> str:
        name = type(payload).__name__
        if not isinstance(payload, Payload):
            raise ContractViolation(
                f"{self!r} returned {name}. Return payloads with an event type, each by itself or in an Emit, or ready "
                "events; one or a list of them, or None to emit nothing."
            )
        if payload.event_type is None:
            raise ContractViolation(
                f"{self!r} returned {name}, which has no event type. "
                f"Give it one: class {name}(Payload, event_type='evt...'), or return a ready event."
            )
        return payload.event_type

    def _own(self, ready: Event[Any], event: Event[Any], position: int) -> Event[Any]:
        """A ready event as one of this handler: it was made with a random id, which would differ on redelivery."""
        return traced(ready).replace(
            id=derive_event_id(event.source, event.id, self.source, position, ready.domain),
            source=self.source,
            parentid=event.id,
        )

    def _system_error(self, event: Event[Any], error: Exception) -> list[Event[Any]]:
        emission = self._emission(event, to=event.source, domains=self.error_domains)
        return emission.events(
            ServiceError.from_exception(error), type=self.system_error_type, dataschema=None, position=0
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
            traceparent=traceparent,
            tracestate=tracestate,
        )
