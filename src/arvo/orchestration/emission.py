"""Where a workflow's events go: its calls, its timers, its completion, the system error that ends it (SEMANTICS 5.6).

How a payload becomes events is shared with handlers (`arvo.handlers.emission`); here is what workflows put into it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from arvo.contracts import OrchestratorVersion, Payload, ServiceError
from arvo.errors import ExecutionViolation, InvalidSubject
from arvo.events import INHERIT, WILDCARD_VERSION, Event, Subject, delayed, derive_event_id
from arvo.handlers import DEFAULT_DOMAINS, Emission, Emit, payload_of
from arvo.orchestration.timers import TIMER_ELAPSED, TIMER_SCHEMA, can_wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from arvo.events import EventTemplate
    from arvo.handlers import DomainRule, Output
    from arvo.orchestration.timers import Timeout, Timer
    from arvo.orchestration.vocabulary import Templates, Vocabulary
    from arvo.orchestration.workflow import Workflow

__all__ = ["WorkflowEmission"]

_LOCAL: tuple[DomainRule, ...] = (None,)


class WorkflowEmission(msgspec.Struct, frozen=True, kw_only=True):
    """Makes the events that come of one event for a workflow. All ids, also of children, derive from that event."""

    workflow: Workflow
    vocabulary: Vocabulary
    consumed: Event[Any]
    subject: Subject
    init_event_id: str
    parent_subject: str | None
    traceparent: str | None = None
    tracestate: str | None = None

    def calls(self, outputs: Sequence[Output]) -> Iterator[list[Event[Any]]]:
        """The events that call services, output by output: each goes to its service, which answers to this workflow."""
        templates = self._templates(self.workflow.call_domains)
        for position, output in enumerate(outputs):
            if templates is not None and not isinstance(output, Emit):
                template = templates.calls.get(type(output))
                if template is not None:
                    yield [self._ordinary_call(template, output, position)]
                    continue
            service = self.vocabulary.service_for(payload_of(output))
            emission = self._emission(
                subject=self.consumed.subject,
                parentid=self.consumed.id,
                to=None,
                redirectto=self.workflow.contract.type,
                domains=self.workflow.call_domains,
            )
            if isinstance(service, OrchestratorVersion):
                yield self._child_calls(emission, output, service, position)
            else:
                yield emission.events(
                    output,
                    type=service.accepted_type,
                    dataschema=service.dataschema,
                    position=position,
                    contract_domain=service.contract.domain,
                )

    def completion(self, output: Output, *, position: int) -> list[Event[Any]]:
        """The events that report the output: to whom the caller named, else to the caller."""
        templates = self._templates(self.workflow.domains)
        # A parent's subject, and an address out of a subject, may be anything, so they are checked.
        if templates is not None and self.parent_subject is None and "redirectto" not in self.subject.meta:
            template = None if isinstance(output, Emit) else templates.ends.get(type(output))
            if template is not None:
                return [self._ordinary_end(template, payload_of(output), position)]
        own = self.vocabulary.own
        return self._ending(
            to=self.subject.meta.get("redirectto") or self.subject.initiator,
            domains=self.workflow.domains,
        ).events(
            output,
            type=self.vocabulary.completion_type(payload_of(output)),
            dataschema=own.dataschema,
            position=position,
            contract_domain=own.contract.domain,
        )

    def timers(self, timers: Iterable[Timer], *, position: int) -> list[Event[Timeout]]:
        """The events by which the workflow will hear of its own timers; they cost nothing and stay at home."""
        return [self._timer(timer, number) for number, timer in enumerate(timers, position)]

    def failure(self, error: ServiceError, *, position: int = -1) -> list[Event[Any]]:
        """The system errors that tell the caller that the workflow failed.

        Their position is before all others: should an operator have the event taken again, or cancel the workflow, what
        comes of that is another event.
        """
        own = self.vocabulary.own
        return self._ending(to=self.subject.initiator, domains=self.workflow.error_domains).events(
            error,
            type=own.system_error_type,
            dataschema=f"{own.contract.uri}/{WILDCARD_VERSION}",
            position=position,
            contract_domain=own.contract.domain,
        )

    def _timer(self, timer: Timer, position: int) -> Event[Timeout]:
        consumed, own = self.consumed, self.workflow.contract.type
        if not can_wait(timer.after):
            raise ExecutionViolation(
                f"Workflow {self.vocabulary.own.dataschema} set its timer {timer.timeout.timer!r} to "
                f"{timer.after!r:.80}, which is no time to wait for. Give a timedelta between zero and a hundred years."
            )
        event = Event(
            id=derive_event_id(consumed.source, consumed.id, own, position, None),
            type=TIMER_ELAPSED,
            source=own,
            subject=consumed.subject,
            dataschema=TIMER_SCHEMA,
            data=timer.timeout,
            to=own,
            accesscontrol=consumed.accesscontrol,
            traceparent=self.traceparent,
            tracestate=self.tracestate,
            parentid=consumed.id,
        )
        return delayed(event, timer.after)

    def _child_calls(
        self, emission: Emission, output: Output, service: OrchestratorVersion[Any, Any], position: int
    ) -> list[Event[Any]]:
        emit: Emit[Payload] = output if isinstance(output, Emit) else Emit(output)
        parent = self._parent_of_child(emit, service)
        copies = emission.events(
            replace(emit, payload=service.with_parent(emit.payload, parent)),
            type=service.accepted_type,
            dataschema=service.dataschema,
            position=position,
            contract_domain=service.contract.domain,
        )
        return [copy.replace(subject=self._child_subject(copy, service, parent, position)) for copy in copies]

    def _parent_of_child(self, emit: Emit[Payload], service: OrchestratorVersion[Any, Any]) -> str | None:
        parent = emit.parent_subject
        if parent == INHERIT:
            return service.parent_subject_of(emit.payload) or self.consumed.subject
        if parent is not None:
            try:
                Subject.parse(parent)
            except InvalidSubject as error:
                raise ExecutionViolation(
                    f"Workflow {self.vocabulary.own.dataschema} called {service.dataschema} with the parent subject "
                    f"{parent!r:.80}, which is not the subject of a workflow: {error} Leave parent_subject out to be "
                    "the parent, or give None to start a workflow that has none."
                ) from error
        return parent

    def _child_subject(
        self, call: Event[Any], service: OrchestratorVersion[Any, Any], parent: str | None, position: int
    ) -> str:
        # Called again after a failed attempt, the child must be the same one; but never that of another workflow that
        # took an event of the same id.
        execution_id = derive_event_id(
            self.consumed.source, self.consumed.id, self.consumed.subject, position, call.domain
        )
        meta = {} if call.redirectto is None else {"redirectto": call.redirectto}
        if parent is None:
            child = Subject.new(
                name=service.accepted_type,
                version=service.version,
                initiator=call.source,
                domain=call.domain,
                meta=meta,
                execution_id=execution_id,
            )
        else:
            child = Subject.parse(parent).child(
                name=service.accepted_type,
                version=service.version,
                domain=INHERIT if call.domain is None else call.domain,
                meta=meta,
                execution_id=execution_id,
            )
        return child.encode()

    def _ordinary_call(self, template: EventTemplate, payload: Payload, position: int) -> Event[Payload]:
        consumed = self.consumed
        return template.event(consumed, payload, position=position, subject=consumed.subject, parentid=consumed.id)

    def _ordinary_end(self, template: EventTemplate, payload: Payload, position: int) -> Event[Payload]:
        return template.event(
            self.consumed,
            payload,
            position=position,
            subject=self.consumed.subject,
            parentid=self.init_event_id,
            to=self.subject.initiator,
        )

    def _templates(self, domains: tuple[DomainRule, ...]) -> Templates | None:
        """How events are made that stay in the local domain and are no part of a trace, if that is what they do."""
        at_home = self.consumed.domain is None and self.parent_subject is None
        if self.traceparent is None and (domains == _LOCAL or (at_home and domains == DEFAULT_DOMAINS)):
            return self.vocabulary.templates(self.workflow.execution_units)
        return None

    def _ending(self, *, to: str, domains: tuple[DomainRule, ...]) -> Emission:
        return self._emission(
            subject=self.parent_subject or self.consumed.subject,
            parentid=self.init_event_id,
            to=to,
            redirectto=None,
            domains=domains,
        )

    def _emission(
        self, *, subject: str, parentid: str, to: str | None, redirectto: str | None, domains: tuple[DomainRule, ...]
    ) -> Emission:
        contract = self.workflow.contract
        return Emission(
            consumed=self.consumed,
            source=contract.type,
            subject=subject,
            parentid=parentid,
            to=to,
            redirectto=redirectto,
            execution_units=self.workflow.execution_units,
            domains=domains,
            own_domain=contract.domain,
            parent_subject=self.parent_subject,
            traceparent=self.traceparent,
            tracestate=self.tracestate,
        )
