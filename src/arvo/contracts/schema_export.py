"""Payload classes as JSON Schema, laid out as the TypeScript side lays out its own.

Keys that are stripped are `additionalProperties: false` there too; `x-unknown` tells them from those that are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUndefinedAnnotation
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from arvo.errors import DefinitionError

if TYPE_CHECKING:
    from pydantic_core import core_schema

    from arvo.contracts.payload import Payload

__all__ = ["JSON_SCHEMA_DIALECT", "PARENT_SUBJECT_SCHEMA", "SYSTEM_ERROR_SCHEMA", "schema_of"]

JSON_SCHEMA_DIALECT = "http://json-schema.org/draft-07/schema#"

PARENT_SUBJECT_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}],
    "description": "Subject of the workflow that starts this one; null when none does",
}

SYSTEM_ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "errorName": {"type": "string", "description": "Kind of the error: the name of its class"},
        "errorMessage": {"type": "string", "description": "What happened"},
        "errorStack": {"type": ["string", "null"], "description": "Where it happened, as far as the service tells"},
    },
    "required": ["errorName", "errorMessage", "errorStack"],
    "additionalProperties": False,
    "$schema": JSON_SCHEMA_DIALECT,
}


def schema_of(payload: type[Payload]) -> dict[str, Any]:
    """The JSON Schema of a payload class; that of an imported class is what was imported."""
    imported = payload.imported_schema
    if imported is not None:
        return {**imported, "$schema": imported.get("$schema", JSON_SCHEMA_DIALECT)}
    try:
        schema = payload.model_json_schema(by_alias=True, mode="validation", schema_generator=_WireSchema)
    except (PydanticInvalidForJsonSchema, PydanticUndefinedAnnotation) as error:
        raise DefinitionError(
            f"{payload.__name__} cannot be described as JSON Schema: {error.message}. "
            "Use fields that JSON can carry, or give the field a schema with pydantic.WithJsonSchema."
        ) from error
    return {**schema, "$schema": JSON_SCHEMA_DIALECT}


_DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$"


class _WireSchema(GenerateJsonSchema):
    """Pydantic's schemas without titles, which only repeat Python names, and with what happens to unknown keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the answer is the same for all
        return False

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return _untitled(super().enum_schema(schema))

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        described = super().tuple_schema(schema)
        if "prefixItems" in described:
            # Draft 7, which is the dialect of the exchange, calls them so.
            described["items"] = described.pop("prefixItems")
        return described

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        described = super().decimal_schema(schema)
        for option in described.get("anyOf", ()):
            if option.get("type") == "string":
                # Pydantic's own pattern needs look-around, which not every engine has, ours among them.
                option["pattern"] = _DECIMAL
        return described

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = _untitled(super().model_schema(schema))
        if "additionalProperties" not in described:
            described |= {"additionalProperties": False, "x-unknown": "strip"}
        elif described["additionalProperties"] is False:
            described["x-unknown"] = "strict"
        return {"type": described.pop("type"), **described} if "type" in described else described

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002
        """As it is: properties in the order of the fields, which is the order of keys on the wire."""
        return value


def _untitled(schema: JsonSchemaValue) -> JsonSchemaValue:
    schema.pop("title", None)
    return schema
