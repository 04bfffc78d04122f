"""One version of a contract: the unit that handlers, workflows and event factories bind to.

`Contract.version` makes these; the variant for workflows is in `orchestrator.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack, cast

from arvo.contracts.payload import Payload, ServiceError
from arvo.contracts.reading import read_payload
from arvo.errors import ContractViolation, Issue
from arvo.events import (
    WILDCARD_VERSION,
    Event,
    RequestTemplate,
    Subject,
    create_event,
    decode_uri,
    derive_event_id,
    encode_uri,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from arvo.contracts.contract import Contract

__all__ = ["ContractVersion", "Envelope", "Service"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)
P = TypeVar("P", bound=Payload)


A_co = TypeVar("A_co", bound=Payload, covariant=True)
E_co = TypeVar("E_co", bound=Payload, covariant=True)


class Envelope(TypedDict, total=False):
    """The attributes of an event that no contract decides."""

    id: str
    time: str
    accesscontrol: str | None
    executionunits: float | None
    parentid: str | None
    traceparent: str | None
    tracestate: str | None
    extensions: Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, eq=False)
class Service(Generic[A_co, E_co]):
    """A contract version as its callers see it: read-only, therefore covariant, therefore fit for unions."""

    contract: Contract = field(repr=False)
    version: str
    accepts: type[A_co]
    emits: tuple[type[E_co], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ContractVersion(Service[A, E]):
    """What one version of a contract accepts and emits, and the events it makes and reads.

    Compared by identity, so it can key registries. `emits` is empty, and `E` is `Never`, where a version answers
    nothing. Every service may also answer with a `ServiceError`.
    """

    wire_accepts: type[A] = field(repr=False)
    """The class that accepted data is read as: `accepts`, or a subclass of it with what the wire adds."""
    emit_types: Mapping[type[E], str] = field(repr=False)
    """The wire type of each payload class that this version may answer with."""

    dataschema: str = field(init=False, repr=False)
    error_dataschema: str = field(init=False, repr=False)
    accepted_type: str = field(init=False, repr=False)
    system_error_type: str = field(init=False, repr=False)
    _payload_by_type: Mapping[str, type[E | ServiceError]] = field(init=False, repr=False)
    _requests: RequestTemplate = field(init=False, repr=False)

    def __post_init__(self) -> None:
        contract = self.contract
        payload_by_type: dict[str, type[E | ServiceError]] = {contract.system_error_type: ServiceError}
        # A declared emit may have the type of the system error; then the declared one is meant.
        payload_by_type.update({event_type: payload for payload, event_type in self.emit_types.items()})
        derived = {
            "dataschema": f"{contract.uri}/{self.version}",
            "error_dataschema": f"{contract.uri}/{WILDCARD_VERSION}",
            "accepted_type": contract.type,
            "system_error_type": contract.system_error_type,
            "_payload_by_type": MappingProxyType(payload_by_type),
            "_requests": RequestTemplate(type=contract.type, dataschema=f"{contract.uri}/{self.version}"),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def request(
        self,
        data: A,
        *,
        source: str,
        subject: str | None = None,
        to: str | None = None,
        redirectto: str | None = None,
        domain: str | None = None,
        **envelope: Unpack[Envelope],
    ) -> Event[A]:
        """The event that asks this version's handler to act.

        Without a subject it opens a process of its own, initiated by `source`, which then must be in reverse-DNS form.
        """
        data = self._accepted(data)
        if subject is None:
            subject = self._opened(self.accepted_type, source, domain, redirectto)
        if to is redirectto is domain is None and not envelope:
            return self._requests.request(data, source=source, subject=subject)
        return create_event(
            type=self.accepted_type,
            data=data,
            dataschema=decode_uri(self.dataschema),
            source=source,
            subject=subject,
            to=to,
            redirectto=redirectto,
            domain=domain,
            **envelope,
        )

    def emit(
        self,
        data: E,
        *,
        source: str,
        subject: str | None = None,
        to: str | None = None,
        redirectto: str | None = None,
        domain: str | None = None,
        **envelope: Unpack[Envelope],
    ) -> Event[E]:
        """An event of this version that answers no event at hand; `reply` is for those that do.

        It goes to whoever handles its own type, unless `to` says otherwise.
        """
        event_type = self._emitted_type(data)
        return create_event(
            type=event_type,
            data=data,
            dataschema=decode_uri(self.dataschema),
            source=source,
            subject=self._opened(event_type, source, domain, redirectto) if subject is None else subject,
            to=to,
            redirectto=redirectto,
            domain=domain,
            **envelope,
        )

    def emit_error(
        self,
        error: BaseException | ServiceError,
        *,
        source: str,
        subject: str | None = None,
        to: str | None = None,
        redirectto: str | None = None,
        domain: str | None = None,
        **envelope: Unpack[Envelope],
    ) -> Event[ServiceError]:
        """A system error that answers no event at hand; `system_error` is for those that do."""
        event_type = self.system_error_type
        return create_event(
            type=event_type,
            data=_as_service_error(error),
            dataschema=decode_uri(self.error_dataschema),
            source=source,
            subject=self._opened(event_type, source, domain, redirectto) if subject is None else subject,
            to=to,
            redirectto=redirectto,
            domain=domain,
            **envelope,
        )

    def reply(
        self,
        data: E,
        *,
        to: Event[Any],
        source: str | None = None,
        address: str | None = None,
        redirectto: str | None = None,
        domain: str | None = None,
        position: int = 0,
        **envelope: Unpack[Envelope],
    ) -> Event[E]:
        """The answer to a request: back to where it came from (or to `address`), with an id derived from its id.

        A second answer to the same event needs another `position`, or it would have the id of the first.
        """
        event_type, (subject, asker) = self._emitted_type(data), self._reply_route(to)
        source = self.accepted_type if source is None else encode_uri(source)
        return Event(
            type=event_type,
            data=data,
            dataschema=self.dataschema,
            source=source,
            subject=subject,
            to=asker if address is None else encode_uri(address),
            redirectto=None if redirectto is None else encode_uri(redirectto),
            domain=domain,
            **_answering(to, source, position, domain, envelope),
        )

    def system_error(
        self,
        error: BaseException | ServiceError,
        *,
        to: Event[Any],
        source: str | None = None,
        domain: str | None = None,
        position: int = 0,
        **envelope: Unpack[Envelope],
    ) -> Event[ServiceError]:
        """What the sender of a request gets when its handling failed unexpectedly."""
        subject, sender = self._error_route(to)
        source = self.accepted_type if source is None else encode_uri(source)
        return Event(
            type=self.system_error_type,
            data=_as_service_error(error),
            dataschema=self.error_dataschema,
            source=source,
            subject=subject,
            to=sender,
            domain=domain,
            **_answering(to, source, position, domain, envelope),
        )

    def parse_accepted(self, event: Event[Any]) -> Event[A]:
        """The same event with its data read as what this version accepts, defaults filled in."""
        if event.type != self.accepted_type:
            raise self._wrong_type(event, f"It accepts {self.accepted_type!r}.")
        return self._parsed(event, self.wire_accepts)

    def parse_emitted(self, event: Event[Any]) -> Event[E | ServiceError]:
        """The same event with its data read as one of the answers of this version."""
        payload = self._payload_by_type.get(event.type)
        if payload is None:
            raise self._wrong_type(event, f"It emits {_listed(self._payload_by_type)}.")
        return self._parsed(event, payload)

    def _parsed(self, event: Event[Any], payload: type[P]) -> Event[P]:
        if type(event.model) is payload:
            # Made in this process from a payload, which was validated when it was built and cannot have changed.
            return cast("Event[P]", event)
        return event.with_data(read_payload(payload, event.data_json, subject_matter=f"Data of {event.type!r}"))

    def _accepted(self, data: A) -> A:
        """The data in the form that goes on the wire."""
        if type(data) is not self.wire_accepts:
            raise ContractViolation(
                f"{self.dataschema} accepts {self.accepts.__name__}, not {type(data).__name__}. "
                f"Build the request from an instance of {self.accepts.__name__} itself."
            )
        return data

    def _emitted_type(self, data: E) -> str:
        event_type = self.emit_types.get(type(data))
        if event_type is None:
            raise ContractViolation(
                f"{self.dataschema} does not emit {type(data).__name__}; "
                f"it emits {', '.join(payload.__name__ for payload in self.emits) or 'nothing'}. "
                f"Answer with one of those classes itself, or add {type(data).__name__} to the version's emits."
            )
        return event_type

    def _opened(self, name: str, source: str, domain: str | None, redirectto: str | None) -> str:
        """The subject of a process that begins with the event being made."""
        meta = None if redirectto is None else {"redirectto": redirectto}
        return Subject.new(name=name, version=self.version, initiator=source, domain=domain, meta=meta).encode()

    def _reply_route(self, event: Event[Any]) -> tuple[str, str]:
        """Subject and address of the answer to an event."""
        return event.subject, event.redirectto or event.source

    def _error_route(self, event: Event[Any]) -> tuple[str, str]:
        """Subject and address of the system error that answers an event."""
        return event.subject, event.source

    def _wrong_type(self, event: Event[Any], known: str) -> ContractViolation:
        return ContractViolation(
            f"Event {event.id!r} has type {event.type!r}, which is not one of {self.dataschema}. {known} "
            "Route the event by its type, or read it with the version of the contract it belongs to.",
            issues=[Issue(("type",), f"{event.type!r} is not a type of {self.dataschema}", "unknown_type")],
        )


def _answering(event: Event[Any], source: str, position: int, domain: str | None, given: Envelope) -> Envelope:
    """What an answer takes over from the event it answers, where nothing else was asked for."""
    inherited: Envelope = {
        "id": derive_event_id(event.source, event.id, source, position, domain),
        "parentid": event.id,
        "accesscontrol": event.accesscontrol,
    }
    return {**inherited, **given}


def _as_service_error(error: BaseException | ServiceError) -> ServiceError:
    return error if isinstance(error, ServiceError) else ServiceError.from_exception(error)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
