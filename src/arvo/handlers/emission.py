"""How a returned payload becomes events: the one set of rules for answers, calls of services and completions.

Pure. `Handler` answers with it, and orchestration makes a workflow's calls and its completion with it; what differs
between them is what they put into an `Emission`. Whether a payload may be emitted at all is theirs to check before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, cast

import msgspec

from arvo.contracts import Payload
from arvo.errors import ContractViolation
from arvo.events import INHERIT, Event, delayed, derive_event_id, encode_uri, is_encoded_uri
from arvo.handlers.domains import DEFAULT_DOMAINS, DomainRule, DomainRules, resolve_domains, rules_in
from arvo.handlers.emit import Emit

__all__ = ["Emission", "Output", "outputs_in", "payload_of"]

Output: TypeAlias = Payload | Emit[Any]
"""What a function may hand over to be emitted: a payload, or a payload with directives."""

_NO_DIRECTIVES: Emit[Any] = Emit(Payload())
_LOCAL: tuple[str | None, ...] = (None,)


class Emission(msgspec.Struct, frozen=True, kw_only=True):
    """What all events that come of one event have in common. Make one per execution, then call `events` per output."""

    consumed: Event[Any]
    """The event being handled: derived ids come from its id; access control and the trigger's domain are its own."""
    source: str
    subject: str
    parentid: str
    to: str | None = None
    """Where events go whose `Emit` does not say; None: each to whoever handles its type."""
    redirectto: str | None = None
    execution_units: float | None = None
    domains: tuple[DomainRule, ...] = DEFAULT_DOMAINS
    own_domain: str | None = None
    """The domain of the emitting handler's contract."""
    parent_subject: str | None = None
    """The subject of the workflow that started this one."""
    traceparent: str | None = None
    tracestate: str | None = None

    def events(
        self,
        output: Output,
        *,
        type: str,
        dataschema: str | None,
        position: int,
        contract_domain: str | None = None,
    ) -> list[Event[Any]]:
        """The events of one output, one for each domain that it resolves to.

        `position` is the output's number among all outputs of the execution; it goes into the derived ids.
        `contract_domain` is the domain of the contract that the event belongs to.
        Raises `InvalidEvent` when a directive of an `Emit` breaks the rules of the envelope, `ContractViolation` for a
        deadline: whoever can keep one has taken it off before.
        """
        emit, payload = (output, output.payload) if isinstance(output, Emit) else (_NO_DIRECTIVES, output)
        if emit.deadline is not None:
            raise self._no_deadlines(payload)
        to = self.to if emit.to is None else _encoded(emit.to)
        redirectto = self.redirectto if emit.redirectto is None else _encoded(emit.redirectto)
        events: list[Event[Any]] = []
        for domain in self._domains(emit.domain, contract_domain):
            event: Event[Any] = Event(
                id=self._id(emit.id, position, domain, copy=len(events)),
                type=type,
                source=self.source,
                subject=self.subject,
                dataschema=dataschema,
                data=payload,
                to=type if to is None else to,
                accesscontrol=self.consumed.accesscontrol if emit.accesscontrol is None else emit.accesscontrol,
                redirectto=redirectto,
                executionunits=self.execution_units if emit.execution_units is None else emit.execution_units,
                traceparent=self.traceparent,
                tracestate=self.tracestate,
                parentid=self.parentid,
                domain=domain,
            )
            if emit.time is not None:
                event = event.replace(time=emit.time)
            if emit.extensions is not None:
                event = event.replace(extensions=emit.extensions)
            if emit.deliver_after is not None:
                event = delayed(event, emit.deliver_after)
            events.append(event)
        return events

    def _domains(self, asked: DomainRules, contract_domain: str | None) -> tuple[str | None, ...]:
        rules = self.domains if asked == INHERIT else rules_in(asked)
        # What most events come to, found out without resolving anything.
        at_home = self.consumed.domain is None and self.parent_subject is None
        if rules == _LOCAL or (at_home and rules == DEFAULT_DOMAINS):
            return _LOCAL
        return resolve_domains(
            rules,
            subject=self.consumed.subject,
            trigger=self.consumed.domain,
            own=self.own_domain,
            contract=contract_domain,
            parent_subject=self.parent_subject,
        )

    def _id(self, given: str | None, position: int, domain: str | None, *, copy: int) -> str:
        if given is None:
            return derive_event_id(self.consumed.source, self.consumed.id, self.source, position, domain)
        # Copies in several domains are different events, so only one of them can have the given id.
        return given if copy == 0 else derive_event_id(self.consumed.source, given, self.source, position, domain)

    def _no_deadlines(self, payload: Payload) -> ContractViolation:
        return ContractViolation(
            f"{self.source!r} emitted {type(payload).__name__} with a deadline, which only calls in the Wait of a "
            "Resumable can have. Leave it out; statecharts wait with state.after(...), and deliver_after holds back "
            "any event."
        )


def payload_of(output: Output) -> Payload:
    """The payload of an output, with or without directives."""
    return cast("Payload", output.payload) if isinstance(output, Emit) else output


def outputs_in(returned: object) -> Sequence[Output]:
    """What a function returned, as a sequence; None is an empty one.

    What is in it is taken on trust: whoever calls this looks up each payload's class among those that may be emitted.
    """
    if returned is None:
        return ()
    if isinstance(returned, Sequence) and not isinstance(returned, str | bytes):
        return cast("Sequence[Output]", returned)
    return (cast("Output", returned),)


def _encoded(address: str) -> str:
    """Addresses that come out of events are encoded already, and encoding them again would change them."""
    return address if is_encoded_uri(address) else encode_uri(address)
