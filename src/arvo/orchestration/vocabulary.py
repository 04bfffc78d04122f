"""The events that one version of a workflow speaks: what may come in, what it may call, how it may end.

Checked for ambiguity when the workflow is defined, then used to read every event that arrives. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from arvo.contracts import ContractVersion, OrchestratorVersion, Payload, ServiceError
from arvo.errors import ConfigViolation, ContractViolation, DefinitionError, Issue
from arvo.events import WILDCARD_VERSION, DataSchema, Event, EventTemplate
from arvo.orchestration.timers import TIMER_ELAPSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.contracts import Services

__all__ = ["Templates", "Vocabulary"]


class Templates(NamedTuple):
    """Makes events of a workflow's version that are like all others of their kind."""

    calls: Mapping[type[Payload], EventTemplate]
    ends: Mapping[type[Payload], EventTemplate]


class Vocabulary:
    """What a version of a workflow and the services it calls can say to each other.

    Raises `DefinitionError` for a workflow that calls itself, and for a service that its own contract does not know.
    """

    __slots__ = (
        "_services_by_call",
        "_services_by_reply",
        "_services_by_type",
        "_templates",
        "completion",
        "own",
        "sends",
        "services",
    )

    def __init__(self, own: OrchestratorVersion[Any, Any], services: Services[Any, Any]) -> None:
        self.own = own
        self.services = services
        self.sends: tuple[type[Payload], ...] = (*own.emits, *services.by_accepts)
        # Which class it is belongs to the version; that there is one, to the contract.
        self.completion: type[Payload] = next(
            payload for payload, event_type in own.emit_types.items() if event_type == f"{own.accepted_type}.done"
        )
        # Data that was read from the wire is of the wire's own class.
        self._services_by_call: Mapping[type[Payload], ContractVersion[Any, Any]] = MappingProxyType(
            {**services.by_accepts, **{service.wire_accepts: service for service in services.versions}}
        )
        self._services_by_type: Mapping[str, ContractVersion[Any, Any]] = MappingProxyType(
            {service.accepted_type: service for service in services.versions}
        )
        self._templates: dict[tuple[type, float | None], Templates] = {}
        by_reply: defaultdict[str, list[ContractVersion[Any, Any]]] = defaultdict(list)
        for service in services.versions:
            _check_service(own, service)
            # A service may declare an emit of its system error's type.
            for event_type in dict.fromkeys((*service.emit_types.values(), service.system_error_type)):
                by_reply[event_type].append(service)
        self._services_by_reply: Mapping[str, tuple[ContractVersion[Any, Any], ...]] = MappingProxyType(
            {event_type: tuple(found) for event_type, found in by_reply.items()}
        )

    def templates(self, execution_units: float | None) -> Templates:
        """How ordinary events of this version are made, by the class of their payload.

        Calls of workflows are not among them, since each of those has a subject of its own.
        """
        key = (type(execution_units), execution_units)
        known = self._templates.get(key)
        if known is None:
            known = self._templates[key] = self._make_templates(execution_units)
        return known

    def _make_templates(self, execution_units: float | None) -> Templates:
        own = self.own.accepted_type
        return Templates(
            calls={
                service.accepts: EventTemplate(
                    type=service.accepted_type,
                    source=own,
                    dataschema=service.dataschema,
                    executionunits=execution_units,
                    redirectto=own,
                )
                for service in self.services.versions
                if not isinstance(service, OrchestratorVersion)
            },
            ends={
                payload: EventTemplate(
                    type=event_type, source=own, dataschema=self.own.dataschema, executionunits=execution_units
                )
                for payload, event_type in self.own.emit_types.items()
            },
        )

    def read(self, event: Event[Any]) -> Event[Payload]:
        """The event with its data as a payload: of the workflow's own request, or of a service's reply.

        An unknown type is a `ConfigViolation`, a type under the wrong contract, version or data a `ContractViolation`.
        """
        if event.type == self.own.accepted_type:
            if event.dataschema != self.own.dataschema:
                raise self._foreign(event, (self.own,))
            return self.own.parse_accepted(event)
        return self.read_reply(event)

    def read_reply(self, event: Event[Any]) -> Event[Payload]:
        """The event with its data as the payload of a service's reply."""
        services = self._services_by_reply.get(event.type)
        if services is None:
            raise self._unknown(event)
        for service in services:
            if event.dataschema in (service.dataschema, f"{service.contract.uri}/{WILDCARD_VERSION}"):
                return service.parse_emitted(event)
        raise self._foreign(event, services)

    def service_for(self, payload: object) -> ContractVersion[Any, Any]:
        """The service that a call goes to, by the class of its payload."""
        service = self._services_by_call.get(type(payload))  # type: ignore[arg-type]  # any other class is not in it
        if service is None:
            known = ", ".join(accepts.__name__ for accepts in self.services.by_accepts) or "nothing"
            raise ContractViolation(
                f"Workflow {self.own.dataschema} called {_shown(payload)}, which none of its services accepts; "
                f"they accept {known}. Return one of those, or declare the service that accepts it."
            )
        return service

    def service_of_type(self, event_type: str) -> ContractVersion[Any, Any]:
        """The service that a call goes to, by the type of its event."""
        service = self._services_by_type.get(event_type)
        if service is None:
            known = ", ".join(self._services_by_type) or "nothing"
            raise ContractViolation(
                f"Workflow {self.own.dataschema} called {event_type!r}, which is none of its services; it has {known}. "
                "Call one of those, or declare the service.",
                issues=[Issue(("type",), f"{event_type!r} is not the type of a service", "unknown_type")],
            )
        return service

    def completion_type(self, payload: object) -> str:
        """The event type of the workflow's output."""
        event_type: str | None = self.own.emit_types.get(type(payload))
        if event_type is None:
            known = ", ".join(emits.__name__ for emits in self.own.emits)
            raise ContractViolation(
                f"Workflow {self.own.dataschema} ended with {_shown(payload)}, but its contract lets it end with "
                f"{known}. Return one of those, or add the class to the version's emits."
            )
        return event_type

    def _unknown(self, event: Event[Any]) -> ConfigViolation:
        known = ", ".join((self.own.accepted_type, *self._services_by_reply))
        return ConfigViolation(
            f"Workflow {self.own.dataschema} got event {event.id!r} of type {event.type!r}, which is neither its own "
            f"nor a reply of its services; it takes {known}. Send the event to whom it is for, or declare the service."
        )

    def _foreign(self, event: Event[Any], known: tuple[ContractVersion[Any, Any], ...]) -> ContractViolation:
        found = DataSchema.parse(event.dataschema)
        wanted = " or ".join(version.dataschema for version in known)
        if found is None:
            problem = f"dataschema {event.dataschema!r} names no contract and version"
        elif all(version.contract.uri != found.uri for version in known):
            problem = f"dataschema {event.dataschema!r} is of another contract than {wanted}"
        else:
            problem = f"dataschema {event.dataschema!r} is of another version than {wanted}"
        return ContractViolation(
            f"Workflow {self.own.dataschema} cannot read event {event.id!r} of type {event.type!r}: {problem}. "
            f"Send it with the dataschema {wanted}, or to the version of the workflow that was made for it.",
            issues=[Issue(("dataschema",), problem, "foreign_dataschema")],
        )


def _check_service(own: OrchestratorVersion[Any, Any], service: ContractVersion[Any, Any]) -> None:
    if service.contract.uri == own.contract.uri:
        raise DefinitionError(
            f"Workflow {own.dataschema} has itself as a service, {service.dataschema}, and could call itself for ever. "
            "Take it out of services(...); to repeat steps, keep a counter in the state."
        )
    if service.contract.versions.get(service.version) is not service:
        raise DefinitionError(
            f"Service {service.dataschema} is not a version of its contract, which has "
            f"{', '.join(service.contract.versions) or 'none'}. Pass what .version(...) returned."
        )
    if TIMER_ELAPSED in service.emit_types.values():
        raise DefinitionError(
            f"Service {service.dataschema} emits {TIMER_ELAPSED!r}, the type of a workflow's own timers, so the two "
            "could not be told apart. Give what it emits another type."
        )


def _shown(payload: object) -> str:
    if isinstance(payload, Payload | ServiceError):
        return type(payload).__name__
    return f"{payload!r:.80}, which is not a payload,"
