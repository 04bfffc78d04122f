"""Rewrites recorded steps of workflows to what they are under our rules, as far as all kinds of workflow share them.

The rules are applied to what a record holds, step by step, never to its name. What only one kind of workflow does
otherwise is beside its test, as are the names of the records that show it.
"""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Rewrite", "Take", "drop_same_domains", "give_own_ids"]


class Rewrite:
    """One record on its way from the recorded behaviour to ours. Later steps build on the rewritten earlier ones."""

    kind: str
    """The kind of workflow, as the records call it."""
    take: type[Take]
    redelivery_quirk: int
    """The quirk of redelivered events that are not the first one."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = copy.deepcopy(record)
        self.given, self.expected = self.record["input"], self.record["output"]
        self.applied: set[int] = set()
        self.kept: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.taken: dict[tuple[str, str, str, str], int] = {}
        for name, spec in self.given["handlers"].items():
            if spec["kind"] == self.kind and "requiresResourceLocking" not in spec:
                self.expected["handlers"][name]["requiresResourceLocking"] = True

    def all_steps(self) -> None:
        """Rewrite every step."""
        for index in range(len(self.given["steps"])):
            self.step(index)

    def step(self, index: int) -> None:
        """Rewrite one step."""
        given, outcome = self.given["steps"][index], self.expected["steps"][index]
        spec = self.given["handlers"][given["to"]]
        if spec["kind"] != self.kind:
            return
        event = self._event(given, outcome)
        take = self.take(self, spec, (given["to"], event["subject"]), event, outcome)
        self._take_in_turn(take)
        failed = take.before is not None and take.before["executionStatus"] == "failure"
        if failed or not any(each["op"] == "read" and each["outcome"] != "throw" for each in outcome["memory_ops"]):
            outcome["record"] = take.before
        elif take.before is not None and take.before["status"] == "done":
            self._ignore(take, index, 44)
        elif (first := self.taken.get((*take.key, event["id"], event["source"]))) is not None:
            self._ignore(take, index, 37 if take.is_init else self.redelivery_quirk, first)
        elif take.before is None and not take.is_init and outcome.get("record") is not None:
            self._find_nothing(take)
        elif (quirk := take.refusal_of_input()) is not None:
            self.applied.add(quirk)
        else:
            self._happen(take, index)

    def _happen(self, take: Take, index: int) -> None:
        outcome = take.outcome
        if "Non-Error" in outcome.get("error", {}).get("message", ""):
            self.applied.add(30)
            take.fail_by_exception()
        if "error" in outcome or (outcome["record"] is None and not outcome["events"]):
            outcome["record"] = take.before
            return
        if (quirk := take.refusal_of_output()) is not None:
            self.applied.add(quirk)
        elif outcome["record"] is None or outcome["record"]["executionStatus"] == "failure":
            self.applied.add(43)
            take.fail()
        else:
            self.applied |= set(take.go_on())
        if "error" not in outcome:
            self.kept[take.key] = outcome["record"]
            self.taken[*take.key, take.event["id"], take.event["source"]] = index

    def _ignore(self, take: Take, index: int, quirk: int, first: int | None = None) -> None:
        """Nothing comes of the step; what came of it in the record is what came of the first delivery."""
        self.applied.add(quirk)
        outcome = take.outcome
        if first is not None:
            earlier = self.expected["steps"][first]["events"]
            names = {again["id"]: event["id"] for again, event in zip(outcome["events"], earlier, strict=False)}
            for steps in (self.given["steps"], self.expected["steps"]):
                steps[index + 1 :] = _renamed(steps[index + 1 :], names)
            for later in self.given["steps"][index + 1 :]:
                if later.get("deliver", [None])[0] == index:
                    later["deliver"][0] = first
        outcome.update(events=[], seen=[], record=take.before)
        take.drop_write()

    def _find_nothing(self, take: Take) -> None:
        """What began in the record has not begun under our rules."""
        take.outcome.update(events=[], record=None)
        take.drop_write()
        for operation in take.outcome["memory_ops"]:
            if operation["op"] == "read":
                operation["outcome"] = "null"

    def _take_in_turn(self, take: Take) -> None:
        operations = take.outcome["memory_ops"]
        if not operations or operations[0]["op"] == "lock" or take.spec.get("requiresResourceLocking") is False:
            return
        self.applied.add(47)
        operations.insert(0, {"op": "lock", "subject": take.event["subject"], "outcome": True})
        operations.append({"op": "unlock", "subject": take.event["subject"]})

    def _event(self, given: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
        """The event of a step as the record shows it, or as much of it as is known."""
        if "deliver" in given:
            step, position = given["deliver"]
            delivered: dict[str, Any] = self.expected["steps"][step]["events"][position]
            return delivered
        record: dict[str, Any] = outcome.get("record") or {}
        consumed: dict[str, Any] | None = record.get("events", {}).get("consumed")
        sent: dict[str, Any] = {"parentid": None, **given["send"], "id": given["send"]["id"]["value"]}
        return consumed if consumed is not None and consumed["id"] == sent["id"] else sent


class Take(ABC):
    """One event taken by one workflow."""

    def __init__(
        self, rewrite: Rewrite, spec: Any, key: tuple[str, str], event: dict[str, Any], outcome: dict[str, Any]
    ) -> None:
        self.rewrite, self.spec, self.key, self.event, self.outcome = rewrite, spec, key, event, outcome
        self.before = rewrite.kept.get(key)
        self.contract = rewrite.given["contracts"][self.contract_name()]
        self.source = f"arvo.orc.{self.contract['name']}"
        self.is_init = event["type"] == self.source

    @abstractmethod
    def contract_name(self) -> str:
        """Which contract the workflow is of."""

    @abstractmethod
    def services(self) -> Iterable[tuple[str, str]]:
        """Contract and version of what it may call."""

    @abstractmethod
    def refusal_of_input(self) -> int | None:
        """Refuse an event that the record takes; then, the number of the quirk."""

    def refusal_of_output(self) -> int | None:
        """Refuse what came of an event in the record; then, the number of the quirk."""
        if self.calls_a_stranger():
            self.refuse({"type": "Contract"})
            return 38
        return None

    def go_on(self) -> Iterator[int]:
        """The step went well: rewrite what differs all the same, and give the numbers of the quirks."""
        events = self.outcome["events"]
        if drop_same_domains(events):
            yield 35
        if give_own_ids(events):
            yield 32
        for event in events:
            if event["type"] == f"{self.source}.done" and event["redirectto"] is not None:
                yield 41
                event["redirectto"] = None

    @property
    def subject(self) -> Mapping[str, Any]:
        """The content of the subject."""
        name = self.event["subject"].removeprefix("<subject:").removesuffix(">")
        found: Mapping[str, Any] = {**self.rewrite.given["subjects"], **self.rewrite.expected.get("subjects", {})}[name]
        return found

    def calls_a_stranger(self) -> bool:
        """Whether an event of the step is none that its contract or its services know."""
        known = {self.source, f"{self.source}.done", f"sys.{self.source}.error"}
        for name, _ in self.services():
            service = self.rewrite.given["contracts"][name]
            prefix = {"simple": "com.", "orchestrator": "arvo.orc."}.get(service["kind"], "")
            known.add(prefix + (service.get("type") or service["name"]))
        return any(event["type"] not in known for event in self.outcome["events"])

    def fail_by_exception(self) -> None:
        """A violation becomes an exception."""
        message = self.thrown_message()
        data = {"errorName": "Error", "errorMessage": message, "errorStack": "<stack>"}
        del self.outcome["error"]
        self.outcome["events"] = [self.report(f"sys.{self.source}.error", f"{self.contract['uri']}/0.0.0", data)]
        self.outcome["record"] = {
            "executionStatus": "failure",
            "error": {"$error": {"name": "Error", "message": message}},
        }
        after_read = 1 + [each["op"] for each in self.outcome["memory_ops"]].index("read")
        self.outcome["memory_ops"].insert(after_read, {"op": "write", "subject": self.event["subject"], "prev": None})

    @abstractmethod
    def thrown_message(self) -> str:
        """What the script threw, where it is no error and the record shows none."""

    def fail(self) -> None:
        """An exception ended the workflow, or would have if that could have been saved."""
        write = next(each for each in self.outcome["memory_ops"] if each["op"] == "write")
        if write.get("outcome") == "throw":
            del self.outcome["events"]
            self.outcome["error"] = {"cause": "WRITE_MACHINE_MEMORY_FAILURE"}
            self.outcome["record"] = self.before
            return
        error = self.outcome["record"]["error"]["$error"]
        self.outcome["record"] = {
            **(self.before or {}),
            "executionStatus": "failure",
            "subject": self.event["subject"],
            "error": {"name": error["name"], "message": error["message"], "stack": "<stack>"},
        }
        write["prev"] = None if self.before is None else "record"

    def refuse(self, error: dict[str, Any]) -> None:
        """The step is a violation."""
        self.outcome.pop("events", None)
        self.outcome["error"] = {"violation": True, **error}
        self.outcome["record"] = self.before
        self.drop_write()

    def drop_write(self) -> None:
        """Nothing is saved after all."""
        self.outcome["memory_ops"] = [each for each in self.outcome["memory_ops"] if each["op"] != "write"]

    def report(self, kind: str, dataschema: str, data: Any) -> dict[str, Any]:
        """An event for the initiator that the record does not have."""
        return {
            "id": "<id:900>",
            "source": self.source,
            "specversion": "1.0",
            "type": kind,
            "subject": self.event["subject"],
            "datacontenttype": "application/cloudevents+json;charset=UTF-8;profile=arvo",
            "dataschema": dataschema,
            "data": data,
            "time": "<time>",
            "to": self.subject["execution"]["initiator"],
            "accesscontrol": None,
            "redirectto": None,
            "executionunits": self.spec["executionunits"],
            "traceparent": None,
            "tracestate": None,
            "parentid": self.event["id"] if self.before is None else self.before["initEventId"],
            "domain": None,
        }


def drop_same_domains(events: list[dict[str, Any]]) -> bool:
    """Keep one of several events that differ in nothing but their id."""
    kept: dict[str, dict[str, Any]] = {}
    for event in events:
        kept.setdefault(json.dumps({**event, "id": ""}), event)
    dropped = len(kept) < len(events)
    events[:] = kept.values()
    return dropped


def give_own_ids(events: list[dict[str, Any]]) -> bool:
    """Leave a given id to the first of several copies."""
    given: set[str] = set()
    copies = 0
    for event in events:
        if event["id"] in given:
            copies += 1
            event["id"] = f"<id:90{copies}>"
        given.add(event["id"])
    return copies > 0


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The JSON value with some ids replaced, wherever they stand."""
    text = json.dumps(value)
    for name, other in names.items():
        text = text.replace(json.dumps(name), json.dumps(other))
    return json.loads(text)
