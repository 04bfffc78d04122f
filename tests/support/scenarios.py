"""What replays of recorded scenarios share: sending, scripted handlers, and comparing with placeholders in the record.

The notation is described in the vectors' README. Which recorded behaviour is not copied stands beside each test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from arvo.errors import ArvoError, DefinitionError, Violation
from arvo.events import create_event, managed_event_id, parse_managed_event_id
from arvo.handlers import Emit, Handler, HandlerContext
from tests.support.neutral_contracts import output_payload
from tests.support.script import run_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo.contracts import Contract, ContractVersion, Payload
    from arvo.events import Event

__all__ = ["Placeholders", "assert_raised", "id_of", "outputs_of", "scripted_handler", "sent_event"]

_ID = re.compile(r"<id:\d+>")
_DIRECTIVES = {
    "to": "to",
    "domain": "domain",
    "executionunits": "execution_units",
    "__extensions": "extensions",
    "redirectto": "redirectto",
    "accesscontrol": "accesscontrol",
    "time": "time",
}


def sent_event(step: Mapping[str, Any], subjects: Mapping[str, str]) -> Event[Any]:
    """The event of a `{to, send}` step."""
    send: dict[str, Any] = {
        key: subjects.get(value, value) if isinstance(value, str) else value for key, value in step["send"].items()
    }
    if "id" in send:
        send["id"] = id_of(send["id"])
    return create_event(**send, extensions=step.get("extensions", {}))


def scripted_handler(spec: Mapping[str, Any], contract: Contract, seen: list[dict[str, Any]]) -> Handler:
    """The handler that a `{kind: "handler", ...}` spec describes; what its functions are given is added to `seen`."""
    domains = spec.get("defaultEventEmissionDomains", {})
    handler = Handler(
        contract,
        execution_units=spec.get("executionunits"),
        **{
            ours: domains[theirs]
            for theirs, ours in (("emits", "domains"), ("systemError", "error_domains"))
            if theirs in domains
        },
    )
    for number, script in spec["versions"].items():
        try:
            version = contract.get(number)
        except DefinitionError:
            # The original ignores functions of versions that do not exist; here there is nothing to give one to.
            continue
        handler.on(version)(_scripted(version, script, seen))
    return handler


def outputs_of(version: ContractVersion[Any, Any], returned: Any) -> Any:
    """What a script returned, as what a Python function would return."""
    if returned is None:
        return None
    if isinstance(returned, list):
        return [outputs_of(version, each) for each in returned]  # pyright: ignore[reportUnknownVariableType]
    payload: Payload = output_payload(version, returned.get("type"), returned["data"])
    directives: dict[str, Any] = {ours: returned[theirs] for theirs, ours in _DIRECTIVES.items() if theirs in returned}
    if "id" in returned:
        directives["id"] = id_of(returned["id"])
    return Emit(payload, **directives) if directives else payload


def _scripted(version: ContractVersion[Any, Any], script: Mapping[str, Any], seen: list[dict[str, Any]]) -> Any:
    async def function(event: Event[Any], ctx: HandlerContext) -> Any:
        scope = {
            "event": event.to_dict(),
            "source": ctx.source,
            "domain": {"self": ctx.domain.own, "event": ctx.domain.event},
            "contract": {"uri": version.contract.uri, "version": version.version},
        }
        seen.append({"version": ctx.version, "source": ctx.source, "domain": scope["domain"], "event": event.to_dict()})
        return outputs_of(version, run_script(script, scope))

    return function


def id_of(recorded: Mapping[str, Any]) -> str:
    """The event id that a script asks for."""
    if recorded["deduplication"] == "ARVO_MANAGED":
        return managed_event_id(recorded["value"])
    return str(recorded["value"])


class Placeholders:
    """Learns which values stand for the placeholders of a record, and puts the placeholders in their place."""

    def __init__(self, subjects: Mapping[str, str]) -> None:
        self._names = {text: name for name, text in subjects.items()}

    def apply(self, actual: Sequence[Event[Any]], expected: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The events as the record would show them, to be compared with `expected`."""
        documents = [event.to_dict() for event in actual]
        for document, recorded in zip(documents, expected, strict=False):
            if _ID.fullmatch(recorded["id"]):
                self._names.setdefault(document["id"], recorded["id"])
            if recorded["time"] == "<time>":
                document["time"] = "<time>"
            stack = document["data"].get("errorStack")
            if recorded["data"].get("errorStack") == "<stack>" and isinstance(stack, str) and "Traceback" in stack:
                document["data"]["errorStack"] = "<stack>"
        return [self.named(document) for document in documents]

    def learn(self, text: str, placeholder: str) -> None:
        """Let `placeholder` stand for `text`, unless `text` has one already."""
        self._names.setdefault(text, placeholder)

    def texts(self) -> dict[str, str]:
        """What each placeholder that is known by now stands for."""
        return {name: text for text, name in self._names.items()}

    def named(self, value: Any) -> Any:
        """The JSON value with every known text replaced by its placeholder."""
        if isinstance(value, str):
            return self._names.get(value, value)
        if isinstance(value, Mapping):
            return {key: self.named(member) for key, member in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list):
            return [self.named(member) for member in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    def managed_values(self) -> dict[str, str]:
        """The author's value in each managed id that was seen, by placeholder."""
        parsed = {name: parse_managed_event_id(text) for text, name in self._names.items() if _ID.fullmatch(name)}
        return {name: managed.value for name, managed in parsed.items() if managed is not None}


def assert_raised(error: ArvoError, recorded: Mapping[str, Any]) -> None:
    """The error is of the recorded kind, and complains about the recorded places, in that order."""
    assert isinstance(error, Violation) == bool(recorded.get("violation"))
    if isinstance(error, Violation):
        assert error.kind == recorded["type"]
    places = [list(issue.path) for issue in error.issues]
    # An extension is a member of the envelope there, and of `extensions` here.
    places = [place[1:] if place[:1] == ["extensions"] else place for place in places]
    if "issues" in recorded:
        assert places == [issue["path"] for issue in recorded["issues"]]
