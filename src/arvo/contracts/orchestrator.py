"""Contracts of workflows: how one starts, how it reports its output, and how a workflow started by another finds back.

What a workflow does between the two events is none of a contract's business: see `arvo.orchestration`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Never, TypeVar, Unpack, cast, overload

from pydantic import create_model

from arvo.contracts import naming
from arvo.contracts.contract import Contract, Emits
from arvo.contracts.payload import OneOf, Payload, PayloadClass, WithParentSubject
from arvo.contracts.version import ContractVersion, Envelope
from arvo.errors import DefinitionError
from arvo.events import INHERIT, Event, Inherit, Subject, create_event, decode_uri

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OrchestratorContract", "OrchestratorVersion"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)

ORCHESTRATOR_CONTRACT = "ArvoOrchestratorContract"
PARENT_SUBJECT = "parentSubject$$"


@dataclass(frozen=True, slots=True, eq=False)
class OrchestratorVersion(ContractVersion[A, E]):
    """A version of a workflow's contract. What it accepts starts the workflow; what it emits ends it."""

    _parent_field: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A dataclass with slots is made anew, which a bare `super()` does not know.
        super(OrchestratorVersion, self).__post_init__()
        object.__setattr__(self, "_parent_field", _parent_field(self.wire_accepts))

    def request(  # pyright: ignore[reportIncompatibleMethodOverride]  # an envelope has no attribute `parent_subject`
        self,
        data: A,
        *,
        source: str,
        subject: str | None = None,
        to: str | None = None,
        redirectto: str | None = None,
        domain: str | Inherit | None = INHERIT,
        parent_subject: str | None = None,
        **envelope: Unpack[Envelope],
    ) -> Event[A]:
        """The event that starts the workflow, on a subject of its own.

        With the subject of a workflow that calls it, it becomes that one's child: its subject takes over the parent's
        meta data, and its domain unless one is given (`None` too), and its output goes to the parent unless
        `redirectto` names somebody else.
        """
        wired = self.with_parent(data, parent_subject)
        parent = self.parent_subject_of(wired)
        # A parent that is no workflow is refused here, rather than when the output is due.
        caller = None if parent is None else Subject.parse(parent)
        if subject is None:
            subject = self._process(source, domain, redirectto, caller)
        return create_event(
            type=self.accepted_type,
            data=wired,
            dataschema=decode_uri(self.dataschema),
            source=source,
            subject=subject,
            to=to,
            redirectto=redirectto,
            domain=None if domain == INHERIT else domain,
            **envelope,
        )

    def parent_subject_of(self, data: Payload) -> str | None:
        """The subject of the workflow that started this one, as the data of the starting event names it."""
        return getattr(data, self._parent_field, None)

    def with_parent(self, data: A, parent_subject: str | None) -> A:
        """The data in its wire form, which names the parent; from valid parts, so it is not validated again.

        `request` does this; it is public for workflows, which lay out the events of their calls themselves.
        """
        wire = self.wire_accepts
        if type(data) is wire:
            return data if parent_subject is None else data.model_copy(update={self._parent_field: parent_subject})
        if type(data) is not self.accepts:
            return self._accepted(data)
        wired = wire.__new__(wire)
        fields = {"parent_subject": parent_subject, **data.__dict__}
        for name, value in (
            ("__dict__", fields),
            ("__pydantic_fields_set__", {"parent_subject", *data.model_fields_set}),
            ("__pydantic_extra__", data.__pydantic_extra__),
            ("__pydantic_private__", data.__pydantic_private__),
        ):
            object.__setattr__(wired, name, value)
        return wired

    def _process(
        self, source: str, domain: str | Inherit | None, redirectto: str | None, caller: Subject | None
    ) -> str:
        if caller is None:
            return self._opened(self.accepted_type, source, None if domain == INHERIT else domain, redirectto)
        meta = {"redirectto": redirectto or caller.name}
        return caller.child(name=self.accepted_type, version=self.version, domain=domain, meta=meta).encode()

    def _reply_route(self, event: Event[Any]) -> tuple[str, str]:
        """A workflow's output goes to whoever waits for it, on the parent's subject if there is a parent."""
        own = Subject.parse(event.subject)
        return self._parent_or_own(event), own.meta.get("redirectto") or own.initiator

    def _error_route(self, event: Event[Any]) -> tuple[str, str]:
        """A workflow's failure goes to whoever started it."""
        return self._parent_or_own(event), Subject.parse(event.subject).initiator

    def _parent_or_own(self, started_by: Event[Any]) -> str:
        data = started_by.data
        parent = self.parent_subject_of(data) if isinstance(data, Payload) else data.get(PARENT_SUBJECT)
        return parent or started_by.subject


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, init=False)
class OrchestratorContract(Contract):
    """The interface of a workflow: `OrchestratorContract("order", uri=...)` is started by `arvo.orc.order` events.

    It ends with `arvo.orc.order.done`, which is the type of the emitted class that has none of its own; further ends
    have types below `arvo.orc.order.`.
    """

    name: str

    def __init__(
        self,
        name: str,
        *,
        uri: str,
        domain: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        object.__setattr__(self, "name", name)
        Contract.__init__(
            self,
            uri=uri,
            type=naming.init_type(name),
            domain=domain,
            description=description,
            metadata={
                **(metadata or {}),
                "contractType": ORCHESTRATOR_CONTRACT,
                "rootType": name,
                "completeEventType": naming.completion_type(name),
                "initEventType": naming.init_type(name),
            },
        )

    @property
    def completion_type(self) -> str:
        """The type of the event that carries the workflow's output."""
        return naming.completion_type(self.name)

    @overload
    def version(
        self, version: str, *, accepts: PayloadClass[A], emits: PayloadClass[E]
    ) -> OrchestratorVersion[A, E]: ...
    @overload
    def version(self, version: str, *, accepts: PayloadClass[A], emits: OneOf[E]) -> OrchestratorVersion[A, E]: ...
    @overload
    def version(self, version: str, *, accepts: PayloadClass[A], emits: None) -> Never: ...
    def version(self, version: str, *, accepts: PayloadClass[A], emits: Emits) -> OrchestratorVersion[A, Any]:
        """Declare a version: the payload class that starts the workflow, and those that end it."""
        emit_types = self._checked(version, accepts, emits)
        if self.completion_type not in emit_types.values():
            raise DefinitionError(
                f"{self.uri}/{version} never emits {self.completion_type!r}, so no caller could learn that it is done. "
                "Add a payload class without an event type to its emits."
            )
        return self._added(
            OrchestratorVersion(self, version, accepts, tuple(emit_types), _wire_class(accepts), emit_types)
        )

    def _check_type(self) -> None:
        """Workflows own the reserved prefix."""

    def _type_of(self, payload: PayloadClass[Payload], version: str) -> str:
        event_type = payload.event_type
        if event_type is None:
            return self.completion_type
        if not event_type.startswith(f"{self.type}."):
            raise DefinitionError(
                f"{self.uri}/{version} emits {payload.__name__} as {event_type!r}, but a workflow's own events have "
                f"types below {self.type!r}. Name it '{self.type}.<something>', or leave the event type out: "
                f"then it is {self.completion_type!r}."
            )
        return event_type


def _parent_field(payload: PayloadClass[Payload]) -> str:
    """The attribute that holds the parent's subject, or nothing where the class has no such field."""
    names = (name for name, field in payload.model_fields.items() if field.validation_alias == PARENT_SUBJECT)
    return next(names, "")


def _wire_class(accepts: type[A]) -> type[A]:
    """A subclass with the parent's subject before all else, unless the class declares that field itself."""
    if _parent_field(accepts):
        return accepts
    if "parent_subject" in accepts.model_fields:
        raise DefinitionError(
            f"{accepts.__name__}.parent_subject has the name under which a workflow finds its parent's subject. "
            f"Rename the field, or give it the wire name {PARENT_SUBJECT!r}."
        )
    # Fields are laid out from the last base to the first: on the wire, the parent's subject comes first.
    wire = create_model(
        accepts.__name__,
        __base__=(accepts, WithParentSubject),
        __module__=accepts.__module__,
        # The last base would win here, too, but configuration is the author's.
        __cls_kwargs__=dict(accepts.model_config),
    )
    return cast("type[A]", wire)
