"""What every kind of workflow is to the wrapper that runs it: resumables here, statecharts beside them.

A `Workflow` is a definition, which knows no memory; a `WorkflowVersion` takes one step at a time; what it wants to
happen is a `Step`. How steps are run is in `execution.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from arvo.orchestration.timers import NO_DEADLINES, NO_TIMERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import timedelta

    from arvo.contracts import ContractVersion, OrchestratorContract, Payload
    from arvo.events import Event
    from arvo.handlers import DomainRule, Output
    from arvo.orchestration.record import Expected, Record
    from arvo.orchestration.timers import Timer
    from arvo.orchestration.vocabulary import Vocabulary

__all__ = ["Delivery", "Ignored", "Outcome", "Step", "Workflow", "WorkflowVersion"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one execution of a workflow, with all that is known about that execution."""

    event: Event[Payload]
    """Validated: its data is a payload."""
    record: Record | None
    """What the last step left; None for the first one."""
    init_event_id: str
    parent_subject: str | None
    expected: Expected
    """The calls so far and their replies; this event is among them already, if it is one."""
    timer: str | None = None
    """The name of the timer that has elapsed, if the event says that one has."""

    def timers_but(self, names: Collection[str]) -> Mapping[str, str]:
        """The timers of the record that have not elapsed, without those of some names."""
        if self.record is None or not self.record.timers:
            return NO_TIMERS
        return {
            name: event_id for name, event_id in self.record.timers.items() if name != self.timer and name not in names
        }


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one step of a workflow wants to happen: events, and what is to be kept."""

    calls: Sequence[Output] = ()
    output: Output | None = None
    """How the workflow ends; None while it goes on."""
    deadlines: Mapping[int, timedelta] = NO_DEADLINES
    """How long to wait for an answer, for some of the calls, by their positions."""
    starts: Sequence[Timer] = ()
    """Other timers to be started; those of the same names are replaced."""
    timers: Mapping[str, str] = NO_TIMERS
    """The timers of the record that go on."""
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """The members of the record that only this kind of workflow has: values of JSON, or `msgspec.Raw`."""


class WorkflowVersion(Protocol):
    """One version of a workflow."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The events it speaks."""
        ...

    @property
    def remembers_calls(self) -> bool:
        """Whether its records keep its calls and their replies, as those of resumables do."""
        ...

    async def step(self, delivery: Delivery) -> Step:
        """Take the event. Must have no effects of its own, since a step may be repeated from the same record.

        A raised `Violation` means that the event could not be taken and nothing has happened; any other exception
        ends the workflow.
        """
        ...


class Workflow(Protocol):
    """A workflow as `run_with_memory` and `BoundWorkflow` see it."""

    @property
    def contract(self) -> OrchestratorContract:
        """Whose events it takes and emits; its type is the workflow's source."""
        ...

    @property
    def execution_units(self) -> float | None:
        """What each emitted event costs, where an `Emit` does not say."""
        ...

    @property
    def call_domains(self) -> tuple[DomainRule, ...]:
        """Where calls go, where an `Emit` does not say."""
        ...

    @property
    def domains(self) -> tuple[DomainRule, ...]:
        """Where the output goes, where an `Emit` does not say."""
        ...

    @property
    def error_domains(self) -> tuple[DomainRule, ...]:
        """Where system errors go."""
        ...

    @property
    def versions(self) -> Mapping[str, WorkflowVersion]:
        """What runs each version of the contract."""
        ...

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The versions it answers for."""
        ...

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The services of all versions, each once."""
        ...

    def check(self) -> None:
        """Raise `DefinitionError` unless every version can run."""
        ...


class Ignored(StrEnum):
    """Why an event had no effect on a workflow, although nothing was wrong."""

    OTHER_WORKFLOW = "its subject is that of another workflow"
    NOT_STARTED = "no workflow was started under its subject"
    ENDED = "the workflow is done"
    FAILED = "the workflow failed before"
    DUPLICATE = "it was taken before"
    OBSOLETE = "nothing waits for its timer any more"


class Outcome(msgspec.Struct, frozen=True):
    """What came of an event: the emitted events, or why it was ignored."""

    events: list[Event[Any]] = msgspec.field(default_factory=list["Event[Any]"])
    ignored: Ignored | None = None
