"""The services a workflow calls, as one set whose static type tells all they accept and all they emit."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Never, TypeVar, overload

from arvo.contracts.payload import Payload
from arvo.contracts.version import ContractVersion, Service
from arvo.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Services", "services"]

C_co = TypeVar("C_co", bound=Payload, covariant=True)
R_co = TypeVar("R_co", bound=Payload, covariant=True)
A1 = TypeVar("A1", bound=Payload)
A2 = TypeVar("A2", bound=Payload)
A3 = TypeVar("A3", bound=Payload)
A4 = TypeVar("A4", bound=Payload)
A5 = TypeVar("A5", bound=Payload)
A6 = TypeVar("A6", bound=Payload)
A7 = TypeVar("A7", bound=Payload)
A8 = TypeVar("A8", bound=Payload)
E1 = TypeVar("E1", bound=Payload)
E2 = TypeVar("E2", bound=Payload)
E3 = TypeVar("E3", bound=Payload)
E4 = TypeVar("E4", bound=Payload)
E5 = TypeVar("E5", bound=Payload)
E6 = TypeVar("E6", bound=Payload)
E7 = TypeVar("E7", bound=Payload)
E8 = TypeVar("E8", bound=Payload)


@dataclass(frozen=True, slots=True, eq=False)
class Services(Generic[C_co, R_co]):
    """Contract versions that a workflow may call; made by `services`."""

    versions: tuple[ContractVersion[Any, Any], ...]
    by_accepts: Mapping[type[Payload], ContractVersion[Any, Any]]
    """Which version takes a call, by the class of its payload."""


@overload
def services() -> Services[Never, Never]: ...
@overload
def services(a: Service[A1, E1], /) -> Services[A1, E1]: ...
@overload
def services(a: Service[A1, E1], b: Service[A2, E2], /) -> Services[A1 | A2, E1 | E2]: ...
@overload
def services(a: Service[A1, E1], b: Service[A2, E2], c: Service[A3, E3], /) -> Services[A1 | A2 | A3, E1 | E2 | E3]: ...
@overload
def services(
    a: Service[A1, E1], b: Service[A2, E2], c: Service[A3, E3], d: Service[A4, E4], /
) -> Services[A1 | A2 | A3 | A4, E1 | E2 | E3 | E4]: ...
@overload
def services(
    a: Service[A1, E1], b: Service[A2, E2], c: Service[A3, E3], d: Service[A4, E4], e: Service[A5, E5], /
) -> Services[A1 | A2 | A3 | A4 | A5, E1 | E2 | E3 | E4 | E5]: ...
@overload
def services(
    a: Service[A1, E1],
    b: Service[A2, E2],
    c: Service[A3, E3],
    d: Service[A4, E4],
    e: Service[A5, E5],
    f: Service[A6, E6],
    /,
) -> Services[A1 | A2 | A3 | A4 | A5 | A6, E1 | E2 | E3 | E4 | E5 | E6]: ...
@overload
def services(
    a: Service[A1, E1],
    b: Service[A2, E2],
    c: Service[A3, E3],
    d: Service[A4, E4],
    e: Service[A5, E5],
    f: Service[A6, E6],
    g: Service[A7, E7],
    /,
) -> Services[A1 | A2 | A3 | A4 | A5 | A6 | A7, E1 | E2 | E3 | E4 | E5 | E6 | E7]: ...
@overload
def services(
    a: Service[A1, E1],
    b: Service[A2, E2],
    c: Service[A3, E3],
    d: Service[A4, E4],
    e: Service[A5, E5],
    f: Service[A6, E6],
    g: Service[A7, E7],
    h: Service[A8, E8],
    /,
) -> Services[A1 | A2 | A3 | A4 | A5 | A6 | A7 | A8, E1 | E2 | E3 | E4 | E5 | E6 | E7 | E8]: ...
def services(*versions: Service[Any, Any]) -> Services[Any, Any]:
    """The services of a workflow, for example `services(reserve_v1, charge_v1)`.

    One version of each contract at most, and no payload class accepted by two of them: a call would be ambiguous.
    """
    uris: dict[str, ContractVersion[Any, Any]] = {}
    by_accepts: dict[type[Payload], ContractVersion[Any, Any]] = {}
    for version in versions:
        if not isinstance(version, ContractVersion):
            raise DefinitionError(
                f"services() takes contract versions, got {version!r}. Pass what .version(...) returns."
            )
        if (other := uris.get(version.contract.uri)) is not None:
            raise DefinitionError(
                f"services() got {other.dataschema} and {version.dataschema}. "
                "A workflow calls one version of a contract: keep one of them."
            )
        if (other := by_accepts.get(version.accepts)) is not None:
            raise DefinitionError(
                f"{version.accepts.__name__} is accepted by {other.dataschema} and by {version.dataschema}, "
                "so a call with it would be ambiguous. Let one of them accept a subclass of its own."
            )
        uris[version.contract.uri] = by_accepts[version.accepts] = version
    return Services(tuple(uris.values()), MappingProxyType(by_accepts))
