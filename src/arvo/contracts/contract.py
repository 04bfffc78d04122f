"""Contracts: what a service is called, which versions of its interface exist, and how to find one of them.

Versions themselves are in `version.py`, those of workflows in `orchestrator.py`, the exchange format in `exchange.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Never, TypeAlias, TypeVar, overload

from arvo.contracts import naming
from arvo.contracts.documents import parse_document
from arvo.contracts.payload import OneOf, Payload, PayloadClass, ServiceError
from arvo.contracts.version import ContractVersion
from arvo.errors import DefinitionError
from arvo.events import SemanticVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Contract", "SimpleContract"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)

V = TypeVar("V", bound=ContractVersion[Any, Any])
Emits: TypeAlias = PayloadClass[Any] | OneOf[Any] | None

SIMPLE_CONTRACT = "SimpleArvoContract"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Contract:
    """The interface of one service: a uri, the event type it accepts, and its versions.

    `charge = Contract(uri="#/services/card.charge", type="com.card.charge")`, then one `charge.version(...)` for each
    version. Compared by identity. `domain` is where its handlers live: `None` is the local broker.
    """

    uri: str
    type: str
    domain: str | None = None
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    _versions: dict[str, ContractVersion[Any, Any]] = field(init=False, repr=False, default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self._check_type()
        naming.check_uri(self.uri)
        naming.check_event_type(self.type)
        naming.check_domain(self.domain)
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def system_error_type(self) -> str:
        """The type of this contract's system error events."""
        return naming.system_error_type(self.type)

    @property
    def versions(self) -> Mapping[str, ContractVersion[Any, Any]]:
        """All versions by number, in semantic order."""
        return MappingProxyType(self._versions)

    @overload
    def version(self, version: str, *, accepts: PayloadClass[A], emits: PayloadClass[E]) -> ContractVersion[A, E]: ...
    @overload
    def version(self, version: str, *, accepts: PayloadClass[A], emits: OneOf[E]) -> ContractVersion[A, E]: ...
    @overload
    def version(self, version: str, *, accepts: PayloadClass[A], emits: None) -> ContractVersion[A, Never]: ...
    def version(self, version: str, *, accepts: PayloadClass[A], emits: Emits) -> ContractVersion[A, Any]:
        """Declare a version: the payload class it accepts, and those it may answer with (`None`: it never answers)."""
        emit_types = self._checked(version, accepts, emits)
        return self._added(ContractVersion(self, version, accepts, tuple(emit_types), accepts, emit_types))

    def get(self, version: str) -> ContractVersion[Any, Any]:
        """The version of this number; `"latest"` (or `"any"`) and `"oldest"` go by semantic order."""
        numbers = tuple(self._versions)
        if not numbers:
            raise DefinitionError(
                f"Contract {self.uri!r} has no versions. "
                "Declare at least one with .version('1.0.0', accepts=..., emits=...)."
            )
        number = {"latest": numbers[-1], "any": numbers[-1], "oldest": numbers[0]}.get(version, version)
        found = self._versions.get(number)
        if found is None:
            raise DefinitionError(
                f"Contract {self.uri!r} has no version {version!r}, only {', '.join(numbers)}. "
                "Ask for one of those, 'latest' or 'oldest'."
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """The contract as the JSON document that teams and languages exchange: types, and payloads as JSON Schema."""
        from arvo.contracts.exchange import contract_to_document

        return contract_to_document(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """`to_dict` as a text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> Contract:
        """The contract in an exchange document, of whatever kind it is. Its schemas become payload classes.

        Raises `DefinitionError`, which says where, for a document that is wrong, too large or nested too deeply.
        """
        from arvo.contracts.exchange import contract_from_document

        return contract_from_document(document)

    @staticmethod
    def from_json(document: str | bytes) -> Contract:
        """`from_dict` for a text, which may come from anybody: only `DefinitionError` is raised, whatever it holds."""
        return Contract.from_dict(parse_document(document))

    def _check_type(self) -> None:
        naming.check_unreserved(self.type, uri=self.uri, path="type")

    def _type_of(self, payload: PayloadClass[Payload], version: str) -> str:
        """The wire type of a class among the emits of a version."""
        if payload.event_type is None:
            raise DefinitionError(
                f"{self.uri}/{version} emits {payload.__name__}, which has no event type. "
                f"Give it one: class {payload.__name__}(Payload, event_type='evt...')."
            )
        naming.check_unreserved(payload.event_type, uri=self.uri, path="emits")
        return payload.event_type

    def _checked(self, version: str, accepts: PayloadClass[Payload], emits: Emits) -> Mapping[PayloadClass[Any], str]:
        """Refuse a version that cannot be added, else the wire type of each class it emits."""
        naming.check_version(version, uri=self.uri)
        where = f"{self.uri}/{version}"
        if version in self._versions:
            raise DefinitionError(f"{where} is declared twice. Give each version a number of its own.")
        classes = emits.members if isinstance(emits, OneOf) else () if emits is None else (emits,)
        for payload in (accepts, *classes):
            _check_payload(payload, where)
        by_type: dict[str, PayloadClass[Any]] = {}
        for payload in classes:
            event_type = self._type_of(payload, version)
            if event_type in by_type:
                raise DefinitionError(
                    f"{where} emits {event_type!r} both as {by_type[event_type].__name__} and as {payload.__name__}. "
                    "Give each emitted class an event type of its own."
                )
            by_type[event_type] = payload
        return MappingProxyType({payload: event_type for event_type, payload in by_type.items()})

    def _added(self, declared: V) -> V:
        self._versions[declared.version] = declared
        # Versions are few and are declared once, but are looked up all the time: keep them in order.
        for number in sorted(self._versions, key=SemanticVersion.parse):
            self._versions[number] = self._versions.pop(number)
        return declared


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, init=False)
class SimpleContract(Contract):
    """A contract by convention: `SimpleContract("card.charge", uri=...)` accepts `com.card.charge` and answers with one
    payload, as `evt.card.charge.success`. The payload class needs no event type."""

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
            type=f"com.{name}",
            domain=domain,
            description=description,
            metadata={**(metadata or {}), "contractType": SIMPLE_CONTRACT, "rootType": name},
        )

    @property
    def success_type(self) -> str:
        """The type of the one event this contract answers with."""
        return f"evt.{self.name}.success"

    def _type_of(self, payload: PayloadClass[Payload], version: str) -> str:
        if payload.event_type not in (None, self.success_type):
            raise DefinitionError(
                f"{self.uri}/{version} emits {payload.__name__} as {payload.event_type!r}, but a SimpleContract emits "
                f"{self.success_type!r} and nothing else. Leave the event type out, or declare a Contract."
            )
        return self.success_type


def _check_payload(payload: object, where: str) -> None:
    if not (isinstance(payload, type) and issubclass(payload, Payload)):
        raise DefinitionError(
            f"{where} names {payload!r} where a payload class belongs. Declare a subclass of Payload."
        )
    if issubclass(payload, ServiceError):
        raise DefinitionError(
            f"{where} names {payload.__name__}, but every service may answer with a ServiceError anyway. Leave it out."
        )
