"""Which recorded behaviour of resumables is not copied, and what the records look like under our rules.

The rules are applied to what a record holds, step by step, never to its name; the names only declare where they show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.events import DataSchema
from tests.support.script import run_script
from tests.support.vectors import Deviation
from tests.support.workflow_rules import Rewrite, Take

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
    rewrite = _Rewrite(record)
    rewrite.all_steps()
    return rewrite.record, rewrite.applied


class _Take(Take):
    """One event taken by one resumable."""

    rewrite: _Rewrite

    def __init__(
        self, rewrite: _Rewrite, spec: Any, key: tuple[str, str], event: dict[str, Any], outcome: dict[str, Any]
    ) -> None:
        super().__init__(rewrite, spec, key, event, outcome)
        self.calls = dict(rewrite.calls.get(key, {}))
        if event["parentid"] in self.calls:
            self.calls[event["parentid"]] = [*self.calls.pop(event["parentid"]), event]

    def contract_name(self) -> str:
        name: str = self.spec["contract"]
        return name

    def services(self) -> Iterable[tuple[str, str]]:
        called: Iterable[tuple[str, str]] = self.spec["services"].values()
        return called

    def thrown_message(self) -> str:
        message: str = self.spec["versions"][self.subject["orchestrator"]["version"]]["throw"]["message"]
        return message

    def refusal_of_input(self) -> int | None:
        if not self.is_init or not self._is_of_another_version():
            return None
        self.refuse({"type": "Contract", "issues": [{"path": ["dataschema"]}]})
        self.outcome["seen"] = []
        return 53

    def _is_of_another_version(self) -> bool:
        schema, version = DataSchema.parse(self.event.get("dataschema")), self.subject["orchestrator"]["version"]
        return schema is not None and version in self.spec["versions"] and schema.version != version

    def go_on(self) -> Iterator[int]:
        """What differs are replies and calls, and whatever follows from those."""
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
        yield from super().go_on()
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
                self.report(f"{self.source}.done", f"{self.contract['uri']}/{version}", returned["output"])
            )


class _Rewrite(Rewrite):
    kind = "resumable"
    take = _Take
    redelivery_quirk = 50

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__(record)
        self.calls: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
