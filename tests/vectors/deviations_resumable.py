"""Which recorded behaviour of resumables is not copied, and what the records look like under our rules.

The rules are applied to what a record holds, step by step, never to its name; the names only declare where they show.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from arvo.events import DataSchema
from tests.support.script import run_script
from tests.support.vectors import Deviation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEVIATIONS = [
    Deviation(r"chain_handler_throws_string", 30, "Whatever is raised, but for violations, ends the workflow."),
    Deviation(r"fanout_(same_dev_id|output_directives).*", 32, "Only the first of several copies has the given id."),
    Deviation(r"nested_output_domain_symbols", 35, "Rules that mean the same domain give one event."),
    Deviation(r"fanout_.*|chain_.*", 37, "A redelivered request is ignored; nothing is written."),
    Deviation(r"chain_service_unknown_type", 38, "A call that no declared service accepts is a ContractViolation."),
    Deviation(r".*", 41, "The output wants no answer: its redirectto is null."),
    Deviation(r".*", 43, "The record of a failure keeps what was known; if it cannot be saved, the event is retried."),
    Deviation(r"fanout_.*|chain_.*|nested_.*", 44, "Nothing is written for events after the end."),
    Deviation(r".*", 47, "Events of one execution are taken one at a time, unless the definition says otherwise."),
    Deviation(
        r"fanout_.*|chain_.*", 50, "A redelivered reply is ignored; nothing is written, nothing collected twice."
    ),
    Deviation(r"fanout_.*|chain_.*|nested_.*|fail_reply_.*", 51, "Calls and replies of earlier rounds are kept."),
    Deviation(r"chain_.*dataschema.*|chain_subject_v1.*", 53, "A request must be of the version its subject names."),
    Deviation(r"setup_missing_version.*", 54, "A version without a function is refused when the workflow is bound."),
]


def ours(record: dict[str, Any]) -> tuple[dict[str, Any], set[int]]:
    """The record under our rules, and the numbers of the quirks whose rules changed it."""
    rewrite = _Rewrite(copy.deepcopy(record))
    for index in range(len(rewrite.given["steps"])):
        rewrite.step(index)
    return rewrite.record, rewrite.applied


class _Rewrite:
    """One record on its way from the recorded behaviour to ours. Later steps build on the rewritten earlier ones."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record, self.given, self.expected = record, record["input"], record["output"]
        self.applied: set[int] = set()
        self.kept: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.calls: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
        self.taken: dict[tuple[str, str, str, str], int] = {}
        for name, spec in self.given["handlers"].items():
            if spec["kind"] == "resumable" and "requiresResourceLocking" not in spec:
                self.expected["handlers"][name]["requiresResourceLocking"] = True

    def step(self, index: int) -> None:
        """Rewrite one step."""
        given, outcome = self.given["steps"][index], self.expected["steps"][index]
        spec = self.given["handlers"][given["to"]]
        if spec["kind"] != "resumable":
            return
        event = self._event(given, outcome)
        take = _Take(self, spec, (given["to"], event["subject"]), event, outcome)
        self._take_in_turn(take)
        failed = take.before is not None and take.before["executionStatus"] == "failure"
        if failed or not any(each["op"] == "read" and each["outcome"] != "throw" for each in outcome["memory_ops"]):
            outcome["record"] = take.before
        elif take.before is not None and take.before["status"] == "done":
            self._ignore(take, index, 44)
        elif (first := self.taken.get((*take.key, event["id"], event["source"]))) is not None:
            self._ignore(take, index, 37 if take.is_init else 50, first)
        elif take.is_init and take.is_of_another_version():
            self.applied.add(53)
            take.refuse({"type": "Contract", "issues": [{"path": ["dataschema"]}]})
            outcome["seen"] = []
        else:
            self._happen(take, index)

    def _happen(self, take: _Take, index: int) -> None:
        outcome = take.outcome
        if "Non-Error" in outcome.get("error", {}).get("message", ""):
            self.applied.add(30)
            take.fail_by_exception()
        if "error" in outcome or (outcome["record"] is None and not outcome["events"]):
            outcome["record"] = take.before
            return
        if outcome["record"] is None or outcome["record"]["executionStatus"] == "failure":
            self.applied.add(43)
            take.fail()
        elif take.calls_a_stranger():
            self.applied.add(38)
            take.refuse({"type": "Contract"})
        else:
            self.applied |= set(take.go_on())
        if "error" not in outcome:
            self.kept[take.key] = outcome["record"]
            self.taken[*take.key, take.event["id"], take.event["source"]] = index

    def _ignore(self, take: _Take, index: int, quirk: int, first: int | None = None) -> None:
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

    def _take_in_turn(self, take: _Take) -> None:
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


class _Take:
    """One event taken by one workflow."""

    def __init__(
        self, rewrite: _Rewrite, spec: Any, key: tuple[str, str], event: dict[str, Any], outcome: dict[str, Any]
    ) -> None:
        self.rewrite, self.spec, self.key, self.event, self.outcome = rewrite, spec, key, event, outcome
        self.before = rewrite.kept.get(key)
        self.contract = rewrite.given["contracts"][spec["contract"]]
        self.source = f"arvo.orc.{self.contract['name']}"
        self.is_init = event["type"] == self.source
        self.calls = dict(rewrite.calls.get(key, {}))
        if event["parentid"] in self.calls:
            self.calls[event["parentid"]] = [*self.calls.pop(event["parentid"]), event]

    @property
    def subject(self) -> Mapping[str, Any]:
        """The content of the subject."""
        name = self.event["subject"].removeprefix("<subject:").removesuffix(">")
        found: Mapping[str, Any] = {**self.rewrite.given["subjects"], **self.rewrite.expected.get("subjects", {})}[name]
        return found

    def is_of_another_version(self) -> bool:
        schema, version = DataSchema.parse(self.event.get("dataschema")), self.subject["orchestrator"]["version"]
        return schema is not None and version in self.spec["versions"] and schema.version != version

    def calls_a_stranger(self) -> bool:
        known = {self.source, f"{self.source}.done"}
        for name, _ in self.spec["services"].values():
            service = self.rewrite.given["contracts"][name]
            prefix = {"simple": "com.", "orchestrator": "arvo.orc."}.get(service["kind"], "")
            known.add(prefix + (service.get("type") or service["name"]))
        return any(event["type"] not in known for event in self.outcome["events"])

    def go_on(self) -> Iterator[int]:
        """The step went well: what differs are its replies and calls, and whatever follows from those."""
        record, events = self.outcome["record"], self.outcome["events"]
        collected: dict[str, list[dict[str, Any]]] = {}
        for reply in [reply for replies in self.calls.values() for reply in replies]:
            collected.setdefault(reply["type"], []).append(reply)
        ids = {kind: [reply["id"] for reply in replies] for kind, replies in collected.items()}
        (seen,) = self.outcome["seen"]
        if seen["collected"] != ids:
            yield 51
            seen["collected"] = ids
            self._run_again(collected)
        seen["context"] = None if self.before is None else self.before["state$$"]
        if _drop_same_domains(events):
            yield 35
        if _give_own_ids(events):
            yield 32
        for event in events:
            if event["type"] == f"{self.source}.done" and event["redirectto"] is not None:
                yield 41
                event["redirectto"] = None
        expected = {**self.calls, **{event["id"]: [] for event in events}} or None
        if record["events"]["expected"] != expected:
            yield 51
        self.rewrite.calls[self.key] = expected or {}
        record["events"] = {"consumed": self.event, "expected": expected, "produced": events}

    def _run_again(self, collected: Mapping[str, Any]) -> None:
        """The script sees other replies than it did: what does it do now?"""
        record = self.outcome["record"]
        context = None if self.before is None else self.before["state$$"]
        scope = {
            "input": self.event if self.is_init else None,
            "service": None if self.is_init else self.event,
            "context": context,
            "collected": collected,
        }
        returned: dict[str, Any] = (
            run_script(self.spec["versions"][self.subject["orchestrator"]["version"]], scope) or {}
        )
        record["state$$"] = context if returned.get("context") is None else returned["context"]
        if returned.get("output") is not None and record["status"] == "active":
            record["status"] = "done"
            version = self.subject["orchestrator"]["version"]
            self.outcome["events"].append(
                self._report(f"{self.source}.done", f"{self.contract['uri']}/{version}", returned["output"])
            )

    def fail_by_exception(self) -> None:
        """A violation becomes an exception."""
        script = self.spec["versions"][self.subject["orchestrator"]["version"]]
        message = script["throw"]["message"]
        data = {"errorName": "Error", "errorMessage": message, "errorStack": "<stack>"}
        del self.outcome["error"]
        self.outcome["events"] = [self._report(f"sys.{self.source}.error", f"{self.contract['uri']}/0.0.0", data)]
        self.outcome["record"] = {
            "executionStatus": "failure",
            "error": {"$error": {"name": "Error", "message": message}},
        }
        after_read = 1 + [each["op"] for each in self.outcome["memory_ops"]].index("read")
        self.outcome["memory_ops"].insert(after_read, {"op": "write", "subject": self.event["subject"], "prev": None})

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
        self.outcome["memory_ops"] = [each for each in self.outcome["memory_ops"] if each["op"] != "write"]

    def _report(self, kind: str, dataschema: str, data: Any) -> dict[str, Any]:
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


def _drop_same_domains(events: list[dict[str, Any]]) -> bool:
    """Keep one of several events that differ in nothing but their id."""
    kept: dict[str, dict[str, Any]] = {}
    for event in events:
        kept.setdefault(json.dumps({**event, "id": ""}), event)
    dropped = len(kept) < len(events)
    events[:] = kept.values()
    return dropped


def _give_own_ids(events: list[dict[str, Any]]) -> bool:
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
