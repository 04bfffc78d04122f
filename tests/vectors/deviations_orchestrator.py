"""Which recorded behaviour of orchestrators is not copied, and what the records look like under our rules.

The rules are applied to what a record holds, step by step, never to its name; the names only declare where they show.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from arvo.errors import InvalidSubject
from arvo.events import Subject
from tests.support.vectors import Deviation
from tests.support.workflow_rules import Rewrite, Take

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

DEVIATIONS = [
    Deviation(r"fail_.*", 16, "A subject without a domain is read; here it is another workflow's."),
    Deviation(r"machine_.*", 30, "Whatever is raised, but for violations, ends the workflow."),
    Deviation(r"machine_emit_.*|output_.*", 32, "Only the first of several copies has the given id."),
    Deviation(r"machine_emits_.*", 33, "A directive that makes no valid event is a ContractViolation."),
    Deviation(r"machine_output_.*", 34, "An end is always reported; bad data are refused."),
    Deviation(r"(machine|output)_domain_.*", 35, "Rules that mean the same domain give one event."),
    Deviation(
        r"(seq|parallel|branch|nested|fail|reply|versions)_.*",
        37,
        "Redelivered events are ignored, so the record remembers the ids of earlier ones; the parent stays.",
    ),
    Deviation(r"machine_.*", 38, "A call that no declared service accepts is a ContractViolation."),
    Deviation(r".*", 41, "The output wants no answer: its redirectto is null."),
    Deviation(r"output_parent_.*", 42, "A parent subject that is none is refused when the workflow starts."),
    Deviation(r".*", 43, "The record of a failure keeps what was known; if it cannot be saved, the event is retried."),
    Deviation(r"(seq|parallel|branch|nested)_.*", 44, "Nothing is written for events after the end."),
    Deviation(r"setup_.*(state_name|after|delays).*", 45, "A state may have any name, and may wait for time to pass."),
    Deviation(r"machine_.*_missing", 46, "Names that stand for nothing are refused at once."),
    Deviation(r".*", 47, "Events of one execution are taken one at a time, unless the definition says otherwise."),
]


def ours(record: dict[str, Any]) -> tuple[dict[str, Any], set[int]]:
    """The record under our rules, and the numbers of the quirks whose rules changed it."""
    rewrite = _Rewrite(record)
    rewrite.all_steps()
    return rewrite.record, rewrite.applied


def without_waiting(record: dict[str, Any]) -> dict[str, Any] | None:
    """The record with states that never wait for time to pass; None if none of them does (quirk 45)."""
    restless: dict[str, Any] = json.loads(json.dumps(record))
    for machine in machines_in(restless):
        machine.get("setup_extra", {}).pop("delays", None)
        for state in _states(machine["config"]):
            state.pop("after", None)
    return None if restless == record else restless


RESERVED_NAMES = frozenset({"invoke", "after", "enqueueArvoEvent"})


def machines_in(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The machines of a record, of all its orchestrators."""
    return [machine for spec in record["input"]["handlers"].values() for machine in spec.get("machines", ())]


def with_plain_names(record: dict[str, Any]) -> dict[str, Any] | None:
    """The record with other names for states whose names the original refuses; None if there are none (quirk 45)."""
    text = json.dumps(record)
    named = {name for machine in machines_in(record) for name in _state_names(machine["config"])} & RESERVED_NAMES
    for name in named:
        text = text.replace(json.dumps(name), json.dumps("plain"))
    plain: dict[str, Any] = json.loads(text)
    return plain if named else None


def _state_names(config: Mapping[str, Any]) -> Iterator[str]:
    for state in _states(config):
        yield from state.get("states", {})


def _states(config: Any) -> Iterator[Any]:
    yield config
    for state in config.get("states", {}).values():
        yield from _states(state)


def uses_unknown_names(machine: Mapping[str, Any]) -> bool:
    """Whether the chart of a machine names a state, a guard or an action that does not exist."""
    guards: set[str] = {"and", "or", "not", "stateIn"} | set(machine.get("guards") or ())
    actions: set[str] = {"enqueueArvoEvent"} | set(machine.get("actions") or ())
    return any(
        name not in (states if kind == "initial" else guards if kind == "guard" else actions)
        for kind, name, states in _names_in(machine["config"])
    )


def _names_in(config: Any) -> Iterator[tuple[str, str, Container[str]]]:
    """Every use of a name in a chart, with its kind and the keys of the states there."""
    if isinstance(config, list):
        for each in config:  # pyright: ignore[reportUnknownVariableType]
            yield from _names_in(each)
    if not isinstance(config, dict):
        return
    members = cast("dict[str, Any]", config)
    for kind, value in members.items():
        if kind in {"initial", "guard", "actions", "entry", "exit"}:
            for each in value if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]
                yield kind, each if isinstance(each, str) else each["type"], members.get("states", {})
        elif kind != "params":
            yield from _names_in(value)


class _Take(Take):
    """One event taken by one orchestrator."""

    def contract_name(self) -> str:
        name: str = self.spec["machines"][0]["contract"][0]
        return name

    @property
    def machine(self) -> Mapping[str, Any]:
        version = self.subject["orchestrator"]["version"]
        found: Mapping[str, Any] = next(each for each in self.spec["machines"] if each["contract"][1] == version)
        return found

    def services(self) -> Iterable[tuple[str, str]]:
        called: Iterable[tuple[str, str]] = self.machine["services"].values()
        return called

    def thrown_message(self) -> str:
        scripts = self.machine["actions"].values()
        message: str = next(
            each["throw"]["message"] for each in scripts if each.get("throw", {}).get("kind") == "string"
        )
        return message

    def refusal_of_input(self) -> int | None:
        parent = self.event["data"].get("parentSubject$$") if self.is_init else None
        if parent is None or "error" in self.outcome or self._is_subject(parent):
            return None
        self.refuse({"type": "Contract", "issues": [{"path": ["parentSubject$$"]}]})
        return 42

    def refusal_of_output(self) -> int | None:
        quirk = super().refusal_of_output() or self._envelope_quirk()
        if quirk is None and self._ends_silently() and self._complete_schema().get("required"):
            quirk = 34
        if quirk is not None:
            self.refuse({"type": "Contract"})
        return quirk

    def _envelope_quirk(self) -> int | None:
        """The quirk of a step that failed for an event whose envelope is not valid."""
        record: dict[str, Any] = self.outcome["record"] or {}
        error: dict[str, Any] = record.get("error", {}).get("$error", {})
        if error.get("name") != "ZodError":
            return None
        return 38 if any(issue["path"] == ["type"] for issue in error["issues"]) else 33

    def _ends_silently(self) -> bool:
        record: dict[str, Any] = self.outcome["record"] or {}
        return record.get("status") == "done" and all(
            event["type"] != f"{self.source}.done" for event in self.outcome["events"]
        )

    def _complete_schema(self) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = self.contract["versions"][self.subject["orchestrator"]["version"]]["complete"]
        return schema

    def go_on(self) -> Iterator[int]:
        """What differs is what is remembered, and the events that a machine emits at its end."""
        record, events = self.outcome["record"], self.outcome["events"]
        if self._ends_silently():
            yield 34
            version = self.subject["orchestrator"]["version"]
            events.append(self.report(f"{self.source}.done", f"{self.contract['uri']}/{version}", {}))
        yield from super().go_on()
        remembered = self._remembered()
        if remembered:
            yield 37
        if self.before is not None and record["parentSubject"] != self.before["parentSubject"]:
            yield 37
            record["parentSubject"] = self.before["parentSubject"]
        record["events"] = {"consumed": self.event, **remembered, "produced": events}

    def _remembered(self) -> dict[str, Any]:
        """The ids of the events before the one at hand, but for the first."""
        if self.before is None:
            return {}
        events = self.before["events"]
        ids: dict[str, list[str]] = {**events.get("consumedBefore", {})}
        last = events["consumed"]
        if last["id"] != self.before["initEventId"]:
            ids[last["source"]] = [*ids.get(last["source"], []), last["id"]]
        return {"consumedBefore": ids} if ids else {}

    def _is_subject(self, text: str) -> bool:
        try:
            Subject.parse(text)
        except InvalidSubject:
            return text.startswith("<subject:")
        return True


class _Rewrite(Rewrite):
    kind = "orchestrator"
    take = _Take
    redelivery_quirk = 37

    def step(self, index: int) -> None:
        """Rewrite one step; one on a subject that only we can read is none of the workflow's."""
        outcome = self.expected["steps"][index]
        sent = self.given["steps"][index].get("send", {}).get("subject", "")
        if "error" in outcome and _is_of_the_old_packages(sent):
            self.applied.add(16)
            del outcome["error"]
            outcome["events"] = []
        else:
            super().step(index)


def _is_of_the_old_packages(subject: str) -> bool:
    try:
        return "domain" not in Subject.parse(subject).content["execution"]
    except InvalidSubject:
        return False
