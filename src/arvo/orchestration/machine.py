"""`Machine`: the statechart that runs one version of a workflow, wherever the chart comes from.

A definition only. What a chart hands over becomes payloads in `machine_items.py`; how a step is taken and kept is in
`orchestrator.py`, which groups the machines of one contract.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from pydantic import BaseModel

from arvo.contracts import ContractVersion, OrchestratorVersion, Payload, Services
from arvo.errors import DefinitionError, Issue
from arvo.orchestration.vocabulary import Vocabulary
from arvo.statecharts import EmitEvent, from_xstate, to_mermaid, to_xstate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.events import Event
    from arvo.handlers import Emit
    from arvo.statecharts import AssignFunction, Definition, Effect, GuardFunction, OutputFunction

__all__ = ["Chart", "Machine"]

A = TypeVar("A", bound=Payload)
E = TypeVar("E", bound=Payload)
S = TypeVar("S", bound=BaseModel)
C = TypeVar("C", bound=Payload)
R = TypeVar("R", bound=Payload)
# A static method's own: those of the class are unknown where nobody has said what it is a class of.
Accepts = TypeVar("Accepts", bound=Payload)
Emits = TypeVar("Emits", bound=Payload)
Calls = TypeVar("Calls", bound=Payload)
Replies = TypeVar("Replies", bound=Payload)

ENQUEUE: Final = "enqueueArvoEvent"
"""The one action that documents may use without anybody passing it: it emits its own parameters."""


class Chart(Protocol):
    """Where a machine's definition comes from, and how the context of its snapshots is kept.

    What the functions of a definition get: `context` is called with the request, an `Event` whose data is the payload;
    guards, actions and outputs see the event at hand the same way, or a mapping with a `type` where the chart raised
    the event itself. What they may hand over is in `machine_items.py`.
    """

    @property
    def definition(self) -> Definition:
        """The compiled chart. May be compiled when first asked for, and raise `DefinitionError` then."""
        ...

    @property
    def document(self) -> str:
        """The chart as an XState v5 document, in JSON: what every record keeps as its `machineDefinition`."""
        ...

    def load_context(self, kept: dict[str, Any]) -> dict[str, Any]:
        """The context for a step, from the JSON object in a snapshot. It may be called for every step."""
        ...

    def dump_context(self, context: dict[str, Any]) -> dict[str, Any]:
        """The JSON object that a snapshot keeps, from the context after a step."""
        ...


class Machine(Generic[A, E, S, C, R]):
    """Runs one version of a workflow as a statechart; see `from_xstate` for charts that are XState documents.

    `chart` is all that depends on how the chart was made. What its functions emit are calls of `services`, each a
    payload, an `Emit` of one, or a JSON mapping `{type, data, ...}`; what the machine puts out once it is done is the
    workflow's output: a payload that the version emits, an `Emit` of one, or the JSON of its completion.
    Raises `DefinitionError` when version and services do not fit each other.
    """

    def __init__(self, version: ContractVersion[A, E], *, services: Services[C, R], chart: Chart) -> None:
        if (
            not isinstance(version, OrchestratorVersion)
            or version.contract.versions.get(version.version) is not version
        ):
            raise DefinitionError(
                f"A Machine needs a version of a workflow's contract, got {version!r}. "
                "Pass what .version(...) of an OrchestratorContract returned."
            )
        self.version: Final[OrchestratorVersion[A, E]] = version
        self.services: Final = services
        self.vocabulary: Final = Vocabulary(version, services)
        self.chart: Final = chart
        self._checked: Definition | None = None

    @staticmethod
    def from_xstate(
        version: ContractVersion[Accepts, Emits],
        document: Mapping[str, Any] | str | bytes,
        *,
        services: Services[Calls, Replies],
        context: Callable[[Event[Accepts]], dict[str, Any]] | None = None,
        guards: Mapping[str, GuardFunction] | None = None,
        actions: Mapping[str, Effect | AssignFunction] | None = None,
        outputs: Mapping[str, OutputFunction] | None = None,
        output: Callable[[dict[str, Any], Any], Emits | Emit[Emits] | Mapping[str, Any] | None] | None = None,
    ) -> Machine[Accepts, Emits, Any, Calls, Replies]:
        """The machine of an XState v5 JSON document, as objects or as text; the names in it are given beside it.

        Functions are called with `(context, event, params)`. Among the actions a plain function is an assignment;
        `EmitEvent` around one makes it a call. `context` makes the context from the request that starts the workflow,
        `output` its output from `(context, event)`, `outputs` those of final states, by id. An action named
        `enqueueArvoEvent` emits its own parameters, `{type, data, ...}`.

        Nothing in the document is executed. Raises `DefinitionError` with the path of everything that is wrong.
        """
        types = [service.accepted_type for service in services.versions]
        if len(set(types)) < len(types):
            raise DefinitionError(
                f"Among the services of {version.dataschema} two take the same event type ({', '.join(types)}), which "
                "is all that a document says of its calls. Keep one of them."
            )
        chart = _DocumentChart(
            document, context=context, guards=guards, actions=actions, outputs=outputs, output=output
        )
        machine: Machine[Accepts, Emits, Any, Calls, Replies] = Machine(version, services=services, chart=chart)
        machine.check()
        return machine

    @property
    def definition(self) -> Definition:
        """The compiled chart, checked like `check` does."""
        if self._checked is None:
            self._checked = self._fit_for_a_workflow(self.chart.definition)
        return self._checked

    def check(self) -> None:
        """Raise `DefinitionError` unless the chart can run its version of the workflow."""
        _ = self.definition

    def to_xstate(self) -> dict[str, Any]:
        """The chart as an XState v5 document, for visual editors and other languages."""
        return to_xstate(self.definition)

    def to_mermaid(self, snapshot: Mapping[str, Any] | None = None) -> str:
        """The chart as a Mermaid diagram; with a snapshot, its active states are marked."""
        return to_mermaid(self.definition, snapshot)

    def _fit_for_a_workflow(self, definition: Definition) -> Definition:
        own = self.version
        if definition.version is not None and definition.version != own.version:
            raise DefinitionError(
                f"Statechart {definition.id!r} is of version {definition.version!r}, but runs {own.dataschema}. "
                "Run the version it was made for, or take 'version' out of the document.",
                issues=[Issue(("version",), f"it is not {own.version!r}", "version")],
            )
        delayed = [f"#{state.id}" for state in definition.states if state.after]
        if delayed:
            raise DefinitionError(
                f"Statechart {definition.id!r} waits for time to pass in {', '.join(delayed)}, which workflows cannot. "
                "Replace 'after' by a call of a service that answers when the time has come.",
                issues=[Issue((state, "after"), "workflows have no timers", "after") for state in delayed],
            )
        return definition

    def __repr__(self) -> str:
        return f"Machine for {self.version.dataschema}"


class _DocumentChart:
    """A chart read from an XState document. Its context is JSON as it stands."""

    __slots__ = ("definition", "document")

    def __init__(
        self,
        document: Mapping[str, Any] | str | bytes,
        *,
        context: Callable[[Event[Any]], dict[str, Any]] | None,
        guards: Mapping[str, GuardFunction] | None,
        actions: Mapping[str, Effect | AssignFunction] | None,
        outputs: Mapping[str, OutputFunction] | None,
        output: OutputFunction | None,
    ) -> None:
        if actions is not None and ENQUEUE in actions:
            raise DefinitionError(
                f"Action {ENQUEUE!r} is built in: it emits its own parameters. Give yours another name.",
                issues=[Issue(("actions", ENQUEUE), "this name is built in", "reserved")],
            )
        self.definition: Definition = from_xstate(
            document,
            guards=guards,
            actions={**(actions or {}), ENQUEUE: EmitEvent(lambda _context, _event, params: params)},
            context=context,
            outputs=outputs,
        )
        if output is not None:
            self.definition.root.output = output
        self.document: str = _as_text(document)

    def load_context(self, kept: dict[str, Any]) -> dict[str, Any]:
        return kept

    def dump_context(self, context: dict[str, Any]) -> dict[str, Any]:
        return context


def _as_text(document: Mapping[str, Any] | str | bytes) -> str:
    """The document as it is, but for the spaces between its parts."""
    parsed = json.loads(document) if isinstance(document, str | bytes) else document
    return json.dumps(parsed, separators=(",", ":"), ensure_ascii=False)
