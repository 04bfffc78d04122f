"""What a machine's functions hand over, read as outputs: calls of services, and the output of a machine that is done.

Python code hands over payloads, with an `Emit` around them where the defaults do not do. Charts written for the
TypeScript system hand over JSON mappings, which are read here by the contract that they belong to. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar, cast

import msgspec
from typing_extensions import TypeIs

from arvo.contracts import OrchestratorVersion, Payload, read_payload
from arvo.errors import ContractViolation
from arvo.events import INHERIT, managed_event_id
from arvo.handlers import Emit, payload_of

if TYPE_CHECKING:
    from arvo.handlers import Output
    from arvo.orchestration.vocabulary import Vocabulary

__all__ = ["call_from", "completion_from", "plain_output"]

T = TypeVar("T")

Domains: TypeAlias = str | list[str | None] | None


class _GivenId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deduplication: Literal["DEVELOPER_MANAGED", "ARVO_MANAGED"]
    value: Annotated[str, msgspec.Meta(pattern=r"\S")]


class _Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mapping that the TypeScript system's `emit` and `enqueueArvoEvent` take."""

    type: str
    data: dict[str, Any]
    id: str | _GivenId | None = None
    to: str | None = None
    domain: Domains = INHERIT
    executionunits: int | float | None = None
    redirectto: str | None = None
    accesscontrol: str | None = None
    extensions: dict[str, str | int | float | bool | None] | None = msgspec.field(name="__extensions", default=None)


class _OutputDirectives(msgspec.Struct, frozen=True):
    """What an output may say about its own event; everything else in it is data."""

    id: str | _GivenId | None = msgspec.field(name="__id", default=None)
    domain: Domains = msgspec.field(name="__domain", default=INHERIT)
    executionunits: int | float | None = msgspec.field(name="__executionunits", default=None)


_DIRECTIVES = frozenset(_OutputDirectives.__struct_encode_fields__)


def call_from(item: object, vocabulary: Vocabulary) -> Output:
    """The call that a chart emitted; a mapping has a service's `type` and `data`, and whatever an `Emit` may say."""
    if _is_output(item):
        return item
    call = _read(_Call, item, f"Workflow {vocabulary.own.dataschema} emitted")
    service = vocabulary.service_of_type(call.type)
    payload = read_payload(service.wire_accepts, call.data, subject_matter=f"Data of a call of {service.dataschema}")
    return Emit(
        payload,
        id=_id(call.id),
        to=call.to,
        domain=call.domain,
        execution_units=call.executionunits,
        redirectto=call.redirectto,
        accesscontrol=call.accesscontrol,
        extensions=call.extensions,
        parent_subject=service.parent_subject_of(payload) if isinstance(service, OrchestratorVersion) else INHERIT,
    )


def completion_from(output: object, vocabulary: Vocabulary) -> Output:
    """The output of a machine that is done; a mapping is the data of its completion, and directives with `__`.

    None counts as an empty mapping, so that whoever waits for the workflow hears of its end in any case.
    """
    if _is_output(output):
        return output
    own = vocabulary.own
    given = cast("Mapping[str, Any]", {} if output is None else output)
    directives = _read(_OutputDirectives, given, f"Workflow {own.dataschema} ended with")
    data = {key: value for key, value in given.items() if key not in _DIRECTIVES}
    payload = read_payload(vocabulary.completion, data, subject_matter=f"Output of workflow {own.dataschema}")
    return Emit(payload, id=_id(directives.id), domain=directives.domain, execution_units=directives.executionunits)


def plain_output(output: object) -> object:
    """The output of a machine as the JSON that its snapshot holds."""
    return payload_of(output).model_dump(mode="json", by_alias=True) if _is_output(output) else output


def _is_output(item: object) -> TypeIs[Output]:
    return isinstance(item, Payload | Emit)


def _read(model: type[T], item: object, happening: str) -> T:
    try:
        return msgspec.convert(dict(cast("Mapping[str, Any]", item)) if isinstance(item, Mapping) else item, model)
    except msgspec.ValidationError as error:
        raise ContractViolation(
            f"{happening} {item!r:.80}, which cannot be read: {error}. Hand over a payload, an Emit of one, or JSON "
            "in the form that the TypeScript system takes."
        ) from error


def _id(given: str | _GivenId | None) -> str | None:
    if not isinstance(given, _GivenId):
        return given
    return managed_event_id(given.value) if given.deduplication == "ARVO_MANAGED" else given.value
