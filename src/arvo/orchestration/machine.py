"""`ChartMachine`: the statechart that runs one version of a workflow, wherever the chart comes from.

A definition only. Charts written in Python are in `machine_builder.py`, XState documents in `document_chart.py`. What a
chart hands over becomes payloads in `machine_items.py`; how a step is taken and kept is in `orchestrator.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from pydantic import BaseModel

from arvo.contracts import ContractVersion, OrchestratorVersion, Payload, Services
from arvo.errors import DefinitionError, Issue
from arvo.orchestration.document_chart import DocumentChart
from arvo.orchestration.machine_doubts import machine_doubts
from arvo.orchestration.timers import can_wait
from arvo.orchestration.vocabulary import Vocabulary
from arvo.statecharts import raise_issues, to_mermaid, to_xstate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from arvo.events import Event
    from arvo.handlers import Emit
    from arvo.statecharts import AssignFunction, Definition, DelayFunction, Effect, GuardFunction, OutputFunction

__all__ = ["Chart", "ChartMachine", "workflow_version"]

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


class ChartMachine(Generic[A, E, S, C, R]):
    """Runs one version of a workflow as a statechart; see `from_xstate` for charts that are XState documents.

    `chart` is all that depends on how the chart was made. What its functions emit are calls of `services`, each a
    payload, an `Emit` of one, or a JSON mapping `{type, data, ...}`; what the machine puts out once it is done is the
    workflow's output: a payload that the version emits, an `Emit` of one, or the JSON of its completion.
    Raises `DefinitionError` when version and services do not fit each other.
    """

    def __init__(self, version: ContractVersion[A, E], *, services: Services[C, R], chart: Chart) -> None:
        self.version: Final = workflow_version(version)
        self.services: Final = services
        self.vocabulary: Final = Vocabulary(self.version, services)
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
        calls: Mapping[str, Callable[[dict[str, Any], Any, Any], Calls | Emit[Calls] | Mapping[str, Any]]]
        | None = None,
        actions: Mapping[str, Effect | AssignFunction] | None = None,
        delays: Mapping[str, timedelta | DelayFunction] | None = None,
        outputs: Mapping[str, OutputFunction] | None = None,
        output: Callable[[dict[str, Any], Any], Emits | Emit[Emits] | Mapping[str, Any] | None] | None = None,
    ) -> ChartMachine[Accepts, Emits, Any, Calls, Replies]:
        """The machine of an XState v5 JSON document, as objects or as text; the names in it are given beside it.

        `context` makes the context from the request that starts the workflow. Guards and actions are functions of
        `(context, event, params)`: those in `calls` return what a service should get, those in `actions` return changes
        of the context, or are effects of `arvo.statecharts` that do something else. An action of the document named
        `enqueueArvoEvent` calls with its own parameters. `delays` are the durations that `after` names, or functions of
        `(context, event)` that work them out. `output` makes the workflow's output from `(context, event)`,
        and `outputs`, by id, those of its final states.

        Nothing in the document is executed. Raises `DefinitionError` with the path of everything that is wrong.

            machine = Machine.from_xstate(
                order_v1,
                Path("order.json").read_bytes(),
                services=services(reserve_v1),
                context=lambda request: {"sku": request.data.sku},
                calls={"askForStock": lambda context, event, params: ReserveStock(sku=context["sku"])},
                actions={"keepHold": lambda context, event, params: {"hold": event.data.hold_id}},
                output=lambda context, event: OrderPlaced(hold_id=context["hold"]),
            )
        """
        types = [service.accepted_type for service in services.versions]
        if len(set(types)) < len(types):
            raise DefinitionError(
                f"Among the services of {version.dataschema} two take the same event type ({', '.join(types)}), which "
                "is all that a document says of its calls. Keep one of them."
            )
        chart = DocumentChart(
            document,
            context=context,
            guards=guards or {},
            calls=calls or {},
            actions=actions or {},
            delays=delays or {},
            outputs=outputs or {},
            output=output,
        )
        machine: ChartMachine[Accepts, Emits, Any, Calls, Replies] = ChartMachine(
            version, services=services, chart=chart
        )
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

    @property
    def doubts(self) -> tuple[Issue, ...]:
        """What is probably not meant, though it works: replies that nobody takes, states that nobody can reach.

        The path of each begins with the state it is about. Errors are raised by `check` instead.
        """
        return machine_doubts(self.definition, self.services)

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
        raise_issues(definition.id, _impossible_delays(definition))
        return definition

    def __repr__(self) -> str:
        return f"Machine for {self.version.dataschema}"


def _impossible_delays(definition: Definition) -> Iterator[Issue]:
    for state in definition.states:
        for delay in state.after:
            if isinstance(delay.duration, timedelta) and not can_wait(delay.duration):
                yield Issue((f"#{state.id}", "after", delay.key), f"nobody can wait for {delay.duration}", "delay")


def workflow_version(version: ContractVersion[A, E]) -> OrchestratorVersion[A, E]:
    """The version, which has to be one of a workflow's contract."""
    if isinstance(version, OrchestratorVersion) and version.contract.versions.get(version.version) is version:
        return version
    raise DefinitionError(
        f"A Machine needs a version of a workflow's contract, got {version!r}. "
        "Pass what .version(...) of an OrchestratorContract returned."
    )
