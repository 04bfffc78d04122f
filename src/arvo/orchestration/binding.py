"""A workflow bound to a memory: the form in which brokers and apps run it, whatever kind of workflow it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from arvo.orchestration.execution import run_with_memory

if TYPE_CHECKING:
    from arvo.contracts import ContractVersion
    from arvo.events import Event
    from arvo.orchestration.workflow import Outcome, Workflow
    from arvo.ports import MachineMemory

__all__ = ["BoundWorkflow"]


class BoundWorkflow:
    """An `EventHandler` that runs a workflow with its state in `memory`; made by the workflow's `bind`."""

    __slots__ = ("lock", "memory", "workflow")

    def __init__(self, workflow: Workflow, memory: MachineMemory, *, lock: bool) -> None:
        self.workflow: Final = workflow
        self.memory: Final = memory
        self.lock: Final = lock

    @property
    def source(self) -> str:
        """The type that starts the workflow, and the source of its events."""
        return self.workflow.contract.type

    @property
    def domain(self) -> str | None:
        """The domain of its contract."""
        return self.workflow.contract.domain

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """All versions of its contract."""
        return self.workflow.implements

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The services of all versions, each once."""
        return self.workflow.calls

    def check(self) -> None:
        """Raise `DefinitionError` unless every version can run."""
        self.workflow.check()

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        """The events that come of one event; none when it was ignored."""
        return (await run_with_memory(self.workflow, event, self.memory, lock=self.lock)).events

    async def run(self, event: Event[Any]) -> Outcome:
        """Like `execute`, and says why when an event was ignored. What is raised and kept: see `run_with_memory`."""
        return await run_with_memory(self.workflow, event, self.memory, lock=self.lock)

    def __repr__(self) -> str:
        return f"{self.workflow!r}, bound to {type(self.memory).__name__}"
