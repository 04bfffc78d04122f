"""What all payload classes made from JSON Schemas share: their base classes, and the names of their attributes."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping  # noqa: TC003 - Pydantic looks it up
from types import GenericAlias, new_class
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias, cast

from pydantic import SerializerFunctionWrapHandler, WrapSerializer, model_serializer

from arvo.contracts.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Extra", "ImportedPayload", "WithOptionalFields", "attribute_names", "may_be_absent", "open_to"]

Extra: TypeAlias = Literal["ignore", "allow", "forbid"]

_FIXED_NAMES = {"parentSubject$$": "parent_subject"}


class ImportedPayload(Payload, strict=False):
    """Data that follows an imported schema. The leaves are strict; containers take any Python sequence or mapping."""


class WithOptionalFields(ImportedPayload):
    """Remembers which fields may be absent, so that they stay absent when the data is written again."""

    optional_fields: ClassVar[Mapping[str, str]]
    """Wire name by attribute name."""

    @model_serializer(mode="wrap")
    def _without_absent(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        for name, wire_name in self.optional_fields.items():
            if name not in self.model_fields_set:
                written.pop(wire_name, None)
                written.pop(name, None)
        return written


def may_be_absent(annotation: Any) -> Any:
    """The annotation of a field that is `None` while it is absent, which no serializer of its own type expects."""
    return Annotated[annotation, WrapSerializer(_write_unless_absent)]


def _write_unless_absent(value: Any, write: SerializerFunctionWrapHandler) -> Any:
    return None if value is None else write(value)


def open_to(members: Any, base: type[ImportedPayload]) -> type[ImportedPayload]:
    """A base class for objects that keep unknown keys, provided their values are of a type."""
    annotations = {"__pydantic_extra__": GenericAlias(dict, (str, members))}
    made = new_class(base.__name__, (base,), {"extra": "allow"}, lambda body: body.update(__annotations__=annotations))
    return cast("type[ImportedPayload]", made)


def attribute_names(wire_names: Collection[str]) -> list[str]:
    """A Python attribute for each property: its own name if that can be one, else the nearest that is free."""
    taken = set(wire_names)
    names: list[str] = []
    for wire_name in wire_names:
        name = _FIXED_NAMES.get(wire_name) or re.sub(r"[^A-Za-z0-9_]", "_", wire_name).strip("_") or "field"
        if name[0].isdigit():
            name = f"field_{name}"
        if keyword.iskeyword(name) or hasattr(WithOptionalFields, name):
            name += "_"
        while name != wire_name and name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names
