"""What every kind of workflow is made of beside its versions: a contract, where its events go, how it is bound.

`Resumable` and `Orchestrator` add how their versions are written. How a bound workflow runs is in `execution.py`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from arvo.contracts import OrchestratorContract
from arvo.errors import DefinitionError
from arvo.handlers import Domain, checked_rules
from arvo.orchestration.binding import BoundWorkflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.contracts import ContractVersion
    from arvo.handlers import DomainRules
    from arvo.orchestration.workflow import WorkflowVersion
    from arvo.ports import MachineMemory

__all__ = ["WorkflowDefinition"]

V = TypeVar("V", bound="WorkflowVersion")


class WorkflowDefinition(Generic[V]):
    """A workflow of `contract`, with what runs its versions in `_versions`."""

    _runs_by: ClassVar[str]
    """What runs a version, in one word."""
    _added_by: ClassVar[str]
    """How its author adds one."""

    def __init__(
        self,
        contract: OrchestratorContract,
        *,
        execution_units: float | None = None,
        lock: bool = True,
        call_domains: DomainRules = Domain.LOCAL,
        domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
        error_domains: DomainRules = Domain.ORCHESTRATION_CONTEXT,
    ) -> None:
        if not isinstance(contract, OrchestratorContract):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DefinitionError(
                f"A workflow needs an OrchestratorContract, got {contract!r}. Declare it as "
                "OrchestratorContract(...), or use a Handler where no state has to be kept."
            )
        self.contract: Final = contract
        self.source: Final = contract.type
        self.domain: Final = contract.domain
        self.execution_units: Final = execution_units
        self.lock: Final = lock
        self.call_domains: Final = checked_rules(call_domains)
        self.domains: Final = checked_rules(domains)
        self.error_domains: Final = checked_rules(error_domains)
        self._versions: Final[dict[str, V]] = {}
        self.versions: Final[Mapping[str, V]] = MappingProxyType(self._versions)
        """What runs each version, in the order they were given."""

    @property
    def implements(self) -> tuple[ContractVersion[Any, Any], ...]:
        """All versions of the contract."""
        return tuple(self.contract.versions.values())

    @property
    def calls(self) -> tuple[ContractVersion[Any, Any], ...]:
        """The services of all versions, each once."""
        return tuple(
            dict.fromkeys(
                service for version in self._versions.values() for service in version.vocabulary.services.versions
            )
        )

    def check(self) -> None:
        """Raise `DefinitionError` unless every version of the contract can run; `bind` does too."""
        missing = [number for number in self.contract.versions if number not in self._versions]
        if missing:
            raise DefinitionError(
                f"{self!r} has no {self._runs_by} for version{'s' * (len(missing) > 1)} {', '.join(missing)}. "
                f"Every contract version needs one. {self._added_by} what .version({missing[0]!r}, ...) returned."
            )

    def bind(self, memory: MachineMemory, *, lock: bool | None = None) -> BoundWorkflow:
        """The workflow as a handler that keeps its state in `memory`.

        `lock` overrules the definition's: False where the caller never runs two events of one subject at once.
        """
        self.check()
        return BoundWorkflow(self, memory, lock=self.lock if lock is None else lock)

    def __repr__(self) -> str:
        return f"{type(self).__name__} for {self.source!r}"
