"""Replays the recorded scenarios of resumable workflows, record by record, through the public API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import ArvoError, DefinitionError, TransactionViolation
from arvo.events import Subject
from tests.support.neutral_contracts import contract_from_neutral
from tests.support.recorded_memory import RecordedMemory
from tests.support.scenarios import Placeholders, assert_raised, scripted_handler, sent_event
from tests.support.scripted_workflows import scripted_resumable
from tests.support.vectors import load, record_name
from tests.vectors.deviations_resumable import DEVIATIONS, ours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.contracts import Contract
    from arvo.events import Event
    from arvo.handlers import EventHandler
    from arvo.orchestration import Resumable

RECORDS = load("resumable")
UNCHECKED_AT_SETUP = [record for record in RECORDS if record["name"].startswith("setup_missing_version")]
SCENARIOS = [record for record in RECORDS if "output" in record and record not in UNCHECKED_AT_SETUP]
CONSTRUCTION_ERRORS = [record for record in RECORDS if "error" in record]

_CAUSES = {
    "LOCK_UNACQUIRED": "LOCK_UNACQUIRED",
    "LOCK_MACHINE_MEMORY_FAILURE": "LOCK_FAILURE",
    "READ_MACHINE_MEMORY_FAILURE": "READ_FAILURE",
    "WRITE_MACHINE_MEMORY_FAILURE": "WRITE_FAILURE",
}


@pytest.mark.parametrize("record", SCENARIOS, ids=record_name)
async def test_scenario_replays_as_recorded(record: dict[str, Any]) -> None:
    record, _ = ours(record)
    replay = _Replay(record)
    replay.check_handlers()
    for step, outcome in zip(record["input"]["steps"], record["output"]["steps"], strict=True):
        await replay.check(step, outcome)
    replay.check_managed_ids()


class _Replay:
    """One scenario under way."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.given, self.expected = record["input"], record["output"]
        self.seen: list[dict[str, Any]] = []
        self.memories: dict[str, RecordedMemory] = {}
        self.emitted: list[list[Event[Any]]] = []
        self.contracts = _contracts(record)
        self.handlers: dict[str, EventHandler] = {
            name: self._handler(name, spec) for name, spec in self.given["handlers"].items()
        }
        self.subjects = {f"<subject:{name}>": text for name, text in self.expected.get("fixed_subjects", {}).items()}
        self.placeholders = Placeholders(self.subjects)

    def check_handlers(self) -> None:
        for name, handler in self.handlers.items():
            contract = self.contracts[self.given["handlers"][name]["contract"]]
            about: dict[str, Any] = {
                "source": handler.source,
                "domain": handler.domain,
                "systemErrorType": contract.system_error_type,
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
            stored = _as_recorded(self._named(memory.stored(event.subject)), outcome["record"])
            assert stored == outcome["record"]

    def check_managed_ids(self) -> None:
        assert self.placeholders.managed_values() == self.expected.get("managed_ids", {})

    def _handler(self, name: str, spec: Mapping[str, Any]) -> EventHandler:
        if spec["kind"] == "handler":
            return scripted_handler(spec, self.contracts[spec["contract"]], self.seen)
        self.memories[name] = RecordedMemory()
        return scripted_resumable(spec, self.contracts, self.seen).bind(self.memories[name])

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


def _contracts(record: Mapping[str, Any]) -> dict[str, Contract]:
    return {name: contract_from_neutral(neutral) for name, neutral in record["input"]["contracts"].items()}


def _only_workflow(record: Mapping[str, Any]) -> Resumable:
    (spec,) = (spec for spec in record["input"]["handlers"].values() if spec["kind"] == "resumable")
    return scripted_resumable(spec, _contracts(record), [])


@pytest.mark.parametrize("record", CONSTRUCTION_ERRORS, ids=record_name)
def test_wrong_definition_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        _only_workflow(record)


@pytest.mark.parametrize("record", UNCHECKED_AT_SETUP, ids=record_name)
def test_missing_version_is_refused_when_the_workflow_is_bound(record: dict[str, Any]) -> None:
    """The original finds out at the first event of that version (quirk 54)."""
    workflow = _only_workflow(record)
    with pytest.raises(DefinitionError, match=r"no function for version"):
        workflow.bind(RecordedMemory())


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: f"quirk_{deviation.quirk}")
def test_deviation_shows_only_where_it_is_declared(deviation: Any) -> None:
    showing: list[str] = [record["name"] for record in SCENARIOS if deviation.quirk in ours(record)[1]]
    assert all(re.fullmatch(deviation.name_pattern, name) for name in showing)
