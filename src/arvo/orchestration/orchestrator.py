"""`Orchestrator`: a workflow whose versions are statecharts, one machine each.

Machines are defined in `machine.py`. Here a chart takes an event, and its snapshot goes in and out of the record; how
the event is taken, saved and answered is in `execution.py`, which resumables share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from arvo.errors import DefinitionError, InvalidSnapshot, Issue
from arvo.handlers import Domain
from arvo.orchestration.definition import WorkflowDefinition
from arvo.orchestration.machine import ChartMachine
from arvo.orchestration.machine_items import call_from, completion_from, plain_output
from arvo.orchestration.record import SNAPSHOT
from arvo.orchestration.timers import Timeout, Timer
from arvo.orchestration.workflow import Step
from arvo.statecharts import StartTimer, transition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.contracts import OrchestratorContract
    from arvo.handlers import DomainRules
    from arvo.orchestration.record import Record
    from arvo.orchestration.vocabulary import Vocabulary
    from arvo.orchestration.workflow import Delivery
    from arvo.statecharts import CancelTimer

__all__ = ["Orchestrator"]

AnyMachine = ChartMachine[Any, Any, Any, Any, Any]


class Orchestrator(WorkflowDefinition["_MachineVersion"]):
    """A workflow of `contract`, run by one machine for every version: `Orchestrator(order, [machine_v1, machine_v2])`.

    The subject of an execution says which machine runs it, so that old ones go on under the machine they began with.

    `execution_units` is what each emitted event costs; `call_domains`, `domains` and `error_domains` are where calls,
    the output and system errors go; an `Emit` can say otherwise for its event.

    With `lock=False`, events of one execution that arrive together are sorted out when they are saved, by repeating
    all but one. No chart is free of such events (any two calls in flight, any event delivered twice), so whether it has
    parallel states does not decide it.
    """

    _runs_by = "machine"
    _added_by = "Pass a Machine for"

    def __init__(
        self,
        contract: OrchestratorContract,
        machines: Sequence[AnyMachine],
        *,
        execution_units: float | None = None,
        lock: bool = True,
        call_domains: DomainRules = Domain.LOCAL,
        domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
        error_domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
    ) -> None:
        super().__init__(
            contract,
            execution_units=execution_units,
            lock=lock,
            call_domains=call_domains,
            domains=domains,
            error_domains=error_domains,
        )
        self.machines: Final = tuple(machines)
        """What runs its versions, in the order they were given."""
        for machine in self.machines:
            self._add(machine)
        self.check()

    def _add(self, machine: AnyMachine) -> None:
        version = machine.version
        if self.contract.versions.get(version.version) is not version:
            raise DefinitionError(
                f"{self!r} got a machine for {version.dataschema}, a version of another contract. "
                f"Group it in an Orchestrator of that contract, or make it for a version of {self.contract.uri!r}."
            )
        if version.version in self._versions:
            raise DefinitionError(
                f"{self!r} got two machines for version {version.version}. Executions could not tell which one runs "
                "them: remove one, or give it a version of its own."
            )
        self._versions[version.version] = _MachineVersion(machine)


class _MachineVersion:
    """One version: its machine as the wrapper runs it."""

    __slots__ = ("chart", "definition", "document", "vocabulary")
    remembers_calls = False

    def __init__(self, machine: AnyMachine) -> None:
        self.chart = machine.chart
        self.definition = machine.definition
        # The same for every record, so written as JSON once.
        self.document = msgspec.Raw(msgspec.json.encode(machine.chart.document))
        self.vocabulary: Vocabulary = machine.vocabulary

    async def step(self, delivery: Delivery) -> Step:
        """Let the chart take the event, and read what came of it."""
        kept = None if delivery.record is None else self._restored(delivery.record)
        event = delivery.event if delivery.timer is None else {"type": delivery.timer}
        taken = transition(self.definition, kept, event)
        snapshot = {**taken.snapshot, "context": self.chart.dump_context(taken.snapshot["context"])}
        if "output" in snapshot:
            snapshot["output"] = plain_output(snapshot["output"])
        return Step(
            calls=tuple([call_from(item, self.vocabulary) for item in taken.emitted]),
            output=completion_from(taken.output, self.vocabulary) if taken.status == "done" else None,
            starts=_started(taken.timers) if taken.timers else (),
            timers=delivery.timers_but([timer.id for timer in taken.timers]),
            fields={"value": snapshot["value"], SNAPSHOT: snapshot, "machineDefinition": self.document},
        )

    def _restored(self, record: Record) -> Mapping[str, Any]:
        try:
            snapshot = _decode_snapshot(record.snapshot or b"null")
            return {**snapshot, "context": self.chart.load_context(_context_in(snapshot))}
        except msgspec.ValidationError as error:
            problem = Issue((SNAPSHOT,), str(error), "snapshot")
            raise InvalidSnapshot(
                f"A stored record of workflow {self.vocabulary.own.dataschema} is not that of a machine; {problem}. "
                "Restore it from a backup. The record was left as it is.",
                issues=[problem],
            ) from error


def _started(timers: Sequence[StartTimer | CancelTimer]) -> list[Timer]:
    return [Timer(Timeout(timer=timer.id), timer.delay) for timer in timers if isinstance(timer, StartTimer)]


def _context_in(snapshot: dict[str, Any]) -> dict[str, Any]:
    return msgspec.convert(snapshot.get("context", {}), dict[str, Any])


_decode_snapshot = msgspec.json.Decoder(dict[str, Any]).decode
