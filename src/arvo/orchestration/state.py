"""A workflow's own state between turns: a Pydantic model of the author's, kept as plain JSON in the record.

Whether a class survives that is checked as far as possible when the workflow is defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from pydantic import AliasChoices, BaseModel, PydanticUserError, ValidationError

from arvo.errors import ContractViolation, DefinitionError, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

__all__ = ["STATE", "check_state_class", "dump_state", "load_state"]

S = TypeVar("S", bound=BaseModel)

STATE = "state$$"
"""The member of the record that holds it."""

_encode = msgspec.json.Encoder().encode


def dump_state(state: BaseModel) -> Any:
    """The state as plain JSON values, under its aliases, which are what the TypeScript side sees."""
    return state.model_dump(mode="json", by_alias=True, round_trip=True)


def load_state(model: type[S], stored: Any, *, workflow: str) -> S:
    """The state in a record, or a `ContractViolation` that names each field which no longer fits the class."""
    try:
        return model.__pydantic_validator__.validate_json(_encode(stored), by_alias=True, by_name=True)  # type: ignore[no-any-return]
    except ValidationError as error:
        issues = [
            Issue((STATE, *detail["loc"]), detail["msg"], detail["type"])
            for detail in error.errors(include_url=False, include_context=False, include_input=False)
        ]
    raise ContractViolation(
        f"The stored state of workflow {workflow} does not fit {model.__name__}: {'; '.join(map(str, issues))}. "
        f"Workflows that began before {model.__name__} changed still have the old state: give new fields a default and "
        "keep old ones, or declare the change in a new version of the contract. The state was left as it is.",
        issues=issues,
    )


def check_state_class(model: type[BaseModel], *, workflow: str) -> None:
    """Raise `DefinitionError` when a state of this class would not come back from JSON as it was."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DefinitionError(
            f"The state of workflow {workflow} is {model!r}, which is not a Pydantic model class. "
            "Declare it as class ...(BaseModel)."
        )
    issues = list(_lost_fields(model))
    try:
        model.model_json_schema(mode="serialization")
    except PydanticUserError as error:
        issues.append(Issue((), error.message.split("\n", 1)[0], "not_json"))
    if issues:
        raise DefinitionError(
            f"State {model.__name__} of workflow {workflow} would not survive being kept as JSON: "
            f"{'; '.join(map(str, issues))}. Keep plain data in it: texts, numbers, dates, lists, other models.",
            issues=issues,
        )


def _lost_fields(model: type[BaseModel]) -> Iterator[Issue]:
    for name, field in model.model_fields.items():
        written = field.serialization_alias or name
        if field.exclude:
            yield Issue((name,), "is excluded, so it would be gone after each turn", "excluded")
        elif written not in {name, *_read_names(field)}:
            yield Issue((name,), f"is written as {written!r} but not read under that name", "alias")


def _read_names(field: FieldInfo) -> Iterator[str]:
    choices = field.validation_alias
    for choice in choices.choices if isinstance(choices, AliasChoices) else (choices,):
        if isinstance(choice, str):
            yield choice
