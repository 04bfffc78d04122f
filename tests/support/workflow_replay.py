"""Replays a recorded scenario of workflows through the public API and compares every step: events, memory, record.

For the tests of every kind of workflow, which say how theirs is made from a record. The notation is described in the
vectors' README; which recorded behaviour is not copied stands beside each test.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ArvoError, TransactionViolation
from arvo.events import Subject
from tests.support.neutral_contracts import contract_from_neutral
from tests.support.recorded_memory import RecordedMemory
from tests.support.scenarios import Placeholders, assert_raised, scripted_handler, sent_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.contracts import Contract
    from arvo.events import Event
    from arvo.handlers import EventHandler
    from arvo.orchestration import Orchestrator, Resumable

    MakeWorkflow = Callable[[Mapping[str, Any], Mapping[str, Contract], list[dict[str, Any]]], Orchestrator | Resumable]

__all__ = ["WorkflowReplay", "contracts_of"]

_CAUSES = {
    "LOCK_UNACQUIRED": "LOCK_UNACQUIRED",
    "LOCK_MACHINE_MEMORY_FAILURE": "LOCK_FAILURE",
    "READ_MACHINE_MEMORY_FAILURE": "READ_FAILURE",
    "WRITE_MACHINE_MEMORY_FAILURE": "WRITE_FAILURE",
}


class WorkflowReplay:
    """One scenario under way."""

    def __init__(self, record: Mapping[str, Any], make_workflow: MakeWorkflow) -> None:
        self.make_workflow = make_workflow
        self.given, self.expected = record["input"], record["output"]
        self.seen: list[dict[str, Any]] = []
        self.memories: dict[str, RecordedMemory] = {}
        self.emitted: list[list[Event[Any]]] = []
        self.contracts = contracts_of(record)
        self.handlers: dict[str, EventHandler] = {
            name: self._handler(name, spec) for name, spec in self.given["handlers"].items()
        }
        self.subjects = {f"<subject:{name}>": text for name, text in self.expected.get("fixed_subjects", {}).items()}
        self.placeholders = Placeholders(self.subjects)

    async def run(self) -> None:
        """All steps, one after the other."""
        self.check_handlers()
        for step, outcome in zip(self.given["steps"], self.expected["steps"], strict=True):
            await self.check(step, outcome)
        assert self.placeholders.managed_values() == self.expected.get("managed_ids", {})

    def check_handlers(self) -> None:
        for name, handler in self.handlers.items():
            about: dict[str, Any] = {
                "source": handler.source,
                "domain": handler.domain,
                "systemErrorType": next(iter({version.system_error_type for version in handler.implements})),
            }
            if name in self.memories:
                about["requiresResourceLocking"] = getattr(handler, "lock")  # noqa: B009  # only workflows have it
            assert about == self.expected["handlers"][name]

    async def check(self, step: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        handler, memory = self.handlers[step["to"]], self.memories.get(step["to"])
        event = self._delivered(step) if "deliver" in step else sent_event(self._resolved(step), self.subjects)
        self.seen.clear()
        if memory is not None:
            memory.begin(step.get("faults", {}))
            for order, obey in (("lock_before", memory.hold), ("unlock_before", memory.release)):
                if order in step:
                    obey(self.subjects[step[order]])
        events: list[Event[Any]] = []
        if "error" in outcome:
            with pytest.raises(ArvoError) as raised:
                await handler.execute(event)
            _assert_raised(raised.value, outcome["error"])
        else:
            events = await handler.execute(event)
            self._learn_subjects(events, outcome["events"])
            assert self.placeholders.apply(events, outcome["events"]) == outcome["events"]
            assert len({each.id for each in events}) == len(events)
        self.emitted.append(events)
        seen = outcome.get("seen", [])
        assert _as_recorded(self._named(self.seen), seen) == seen
        if memory is not None:
            assert self._named(memory.operations) == outcome["memory_ops"]
            assert memory.is_locked(event.subject) == outcome["locked_after"]
            stored = memory.stored(event.subject)
            if stored is not None and "machineDefinition" in stored:
                stored["machineDefinition"] = json.loads(stored["machineDefinition"])
            stored = _as_recorded(self._named(stored), outcome["record"])
            assert stored == outcome["record"]

    def _handler(self, name: str, spec: Mapping[str, Any]) -> EventHandler:
        if spec["kind"] == "handler":
            return scripted_handler(spec, self.contracts[spec["contract"]], self.seen)
        self.memories[name] = RecordedMemory()
        return self.make_workflow(spec, self.contracts, self.seen).bind(self.memories[name])

    def _delivered(self, step: Mapping[str, Any]) -> Event[Any]:
        earlier: int
        position: int
        earlier, position = step["deliver"]
        return self.emitted[earlier][position]

    def _resolved(self, step: Mapping[str, Any]) -> Mapping[str, Any]:
        """The step with what its placeholders stand for."""
        known = Placeholders({text: name for name, text in self.placeholders.texts().items()})
        return {**step, "send": known.named(step["send"])}

    def _learn_subjects(self, events: list[Event[Any]], recorded: list[Mapping[str, Any]]) -> None:
        """A subject made in the scenario has the recorded content, but for the id of the execution."""
        for event, document in zip(events, recorded, strict=False):
            made = re.fullmatch(r"<subject:(s\d+)>", document["subject"])
            if made is not None:
                content = self._named(Subject.parse(event.subject).content)
                content["execution"]["id"] = "<uuid>"
                assert content == self.expected["subjects"][made[1]]
                self.placeholders.learn(event.subject, document["subject"])

    def _named(self, value: Any) -> Any:
        """Like the placeholders' own, but for keys too: calls are remembered by event id."""
        if isinstance(value, dict):
            return {self.placeholders.named(key): self._named(member) for key, member in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list):
            return [self._named(member) for member in value]  # pyright: ignore[reportUnknownVariableType]
        return self.placeholders.named(value)


def _as_recorded(stored: Any, recorded: Any) -> Any:
    """The value with what no two runs share, times and tracebacks, as the recorded one shows it."""
    if recorded == "<time>" and isinstance(stored, str):
        return recorded
    if recorded == "<stack>" and isinstance(stored, str) and "Traceback" in stored:
        return recorded
    if isinstance(recorded, dict) and isinstance(stored, dict):
        return {key: _as_recorded(value, recorded.get(key)) for key, value in stored.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]
    if isinstance(recorded, list) and isinstance(stored, list):
        return [_as_recorded(value, at) for value, at in zip(stored, recorded, strict=False)] + stored[len(recorded) :]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return stored


def _assert_raised(error: ArvoError, recorded: Mapping[str, Any]) -> None:
    if "cause" not in recorded:
        assert_raised(error, recorded)
        return
    assert isinstance(error, TransactionViolation)
    assert error.cause == _CAUSES[recorded["cause"]]


def contracts_of(record: Mapping[str, Any]) -> dict[str, Contract]:
    """The contracts of a record, by name."""
    return {name: contract_from_neutral(neutral) for name, neutral in record["input"]["contracts"].items()}
