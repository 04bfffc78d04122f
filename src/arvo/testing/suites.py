"""Suites: cases that are declared, not programmed, and run against one handler after the other.

A step gives a handler an event and says what is to come of it; the next step may be made of what came. Under pytest, a
suite whose name begins with `test` is a test for each handler and case; `Suite.run` does the same anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from arvo.backends.memory import InMemoryMachineMemory
from arvo.errors import DefinitionError
from arvo.runtime.subscription import WorkflowDefinition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from arvo.contracts import Payload
    from arvo.events import Event
    from arvo.handlers import EventHandler

__all__ = ["Case", "Expect", "Repeat", "Step", "Suite", "SuiteFailedError"]

Input: TypeAlias = "Event[Any] | Callable[[Sequence[Event[Any]]], Event[Any]]"
"""An event, or what makes one of the events that came of the step before."""


@dataclass(frozen=True)
class Expect:
    """One event that is to come of a step: a payload class or an event type, and what else has to be so.

        Expect(CardCharged, data={"chargeId": "ch_1"}, to="com.web.checkout")

    `data` and `attributes` name what is compared; the rest may be anything.
    """

    kind: type[Payload] | str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def difference(self, event: Event[Any]) -> str | None:
        """What is not as it is to be; None when the event fits."""
        document = event.to_dict()
        if isinstance(self.kind, str):
            if event.type != self.kind:
                return f"its type is {event.type!r}, not {self.kind!r}"
        elif not isinstance(event.model, self.kind):
            found = type(event.model).__name__ if event.model is not None else "no payload"
            return f"it carries {found}, not {self.kind.__name__}"
        for where, wanted, found_in in (("data.", self.data, document["data"]), ("", self.attributes, document)):
            for name, value in wanted.items():
                if name not in found_in:
                    return f"it has no {where}{name}"
                if found_in[name] != value:
                    return f"its {where}{name} is {found_in[name]!r}, not {value!r}"
        return None


Emits: TypeAlias = "Sequence[type[Payload] | str | Expect] | Callable[[Sequence[Event[Any]]], object]"
"""The events that are to come, in order; or a function that looks at them, and raises or returns False."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """An event for the handler, and what is to come of it: events, or with `raises` an error whose text fits `match`.

    Without `emits` and `raises` any events will do, and no error.
    """

    input: Input
    emits: Emits | None = None
    raises: type[Exception] | None = None
    match: str | None = None

    def __post_init__(self) -> None:
        if self.raises is None and self.match is not None:
            raise DefinitionError("`match` is about the text of an error. Say with `raises` of which.")
        if self.raises is not None and self.emits is not None:
            raise DefinitionError("A handler that raises emits nothing. Leave out `emits`, or `raises`.")


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """Run a case so many `times`, as what asks a model or another service may fail now and then.

    The case passes when at least this share of the runs does.
    """

    times: int
    at_least: float = 1.0

    def __post_init__(self) -> None:
        if self.times < 1 or not 0 < self.at_least <= 1:
            raise DefinitionError(
                f"times={self.times}, at_least={self.at_least}: run a case once or more often, and have a share of the "
                "runs pass that is above 0 and at most 1."
            )


@dataclass(frozen=True)
class Case:
    """Steps that follow each other. A workflow has a fresh memory for each run of the case."""

    name: str
    steps: Sequence[Step]
    repeat: Repeat = Repeat(times=1)


class SuiteFailedError(AssertionError):
    """What came of a step is not what was to come; the message says of which, and what came instead."""


class Suite:
    """Cases for one or several handlers or workflows.

    test_charging = Suite(
        [charge_card],
        [
            Case(
                "a card is charged",
                [Step(input=charge_v1.request(ChargeCard(...), source="com.web.shop"), emits=[CardCharged])],
            )
        ],
    )
    """

    def __init__(self, handlers: Sequence[EventHandler | WorkflowDefinition], cases: Sequence[Case]) -> None:
        if not handlers or not cases:
            raise DefinitionError("A suite without handlers or without cases tests nothing. Give it some of each.")
        names = [case.name for case in cases]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DefinitionError(f"Several cases are called {twice[0]!r}. Give each a name of its own.")
        self.handlers = tuple(handlers)
        self.cases = tuple(cases)

    def runs(self) -> Iterator[tuple[str, EventHandler | WorkflowDefinition, Case]]:
        """Every handler with every case, under a name that only this pair has."""
        sources = [handler.source for handler in self.handlers]
        for number, handler in enumerate(self.handlers):
            again = sources[:number].count(handler.source)
            who = f"{handler.source}#{again + 1}" if again else handler.source
            for case in self.cases:
                yield f"{who}: {case.name}", handler, case

    async def run(self) -> None:
        """Run all; an ExceptionGroup holds every `SuiteFailedError`."""
        failed: list[SuiteFailedError] = []
        for name, handler, case in self.runs():
            try:
                await run_case(handler, case)
            except SuiteFailedError as error:
                error.add_note(name)
                failed.append(error)
        if failed:
            raise ExceptionGroup(f"{len(failed)} cases failed", failed)


async def run_case(handler: EventHandler | WorkflowDefinition, case: Case) -> None:
    """Run one case, as often as it says; `SuiteFailedError` when too few of the runs pass."""
    failures: list[SuiteFailedError] = []
    for _ in range(case.repeat.times):
        try:
            await _run_once(handler, case)
        except SuiteFailedError as error:
            failures.append(error)
    passed = case.repeat.times - len(failures)
    if passed / case.repeat.times >= case.repeat.at_least:
        return
    if case.repeat.times == 1:
        raise failures[0]
    raise SuiteFailedError(
        f"{passed} of {case.repeat.times} runs passed, and {case.repeat.at_least:.0%} are to. The first that did not: "
        f"{failures[0]}"
    ) from failures[0]


async def _run_once(handler: EventHandler | WorkflowDefinition, case: Case) -> None:
    bound = handler.bind(InMemoryMachineMemory()) if isinstance(handler, WorkflowDefinition) else handler
    before: Sequence[Event[Any]] = ()
    for number, step in enumerate(case.steps, start=1):
        event: Event[Any] = step.input(before) if callable(step.input) else step.input
        try:
            before = await bound.execute(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of the step
            _check_error(step, error, f"Step {number} ({event.type})")
            before = ()
        else:
            _check_events(step, before, f"Step {number} ({event.type})")


def _check_error(step: Step, error: Exception, where: str) -> None:
    if step.raises is None:
        raise SuiteFailedError(f"{where} raised {type(error).__name__}: {error}") from error
    if not isinstance(error, step.raises):
        raise SuiteFailedError(
            f"{where} was to raise {step.raises.__name__}, but raised {type(error).__name__}: {error}"
        ) from error
    if step.match is not None and re.search(step.match, str(error)) is None:
        raise SuiteFailedError(
            f"{where} raised {type(error).__name__}, but its text does not fit {step.match!r}: {error}"
        ) from error


def _check_events(step: Step, events: Sequence[Event[Any]], where: str) -> None:
    if step.raises is not None:
        raise SuiteFailedError(f"{where} was to raise {step.raises.__name__}, but gave {_listed(events)}")
    if step.emits is None:
        return
    if callable(step.emits):
        try:
            verdict = step.emits(events)
        except AssertionError as error:
            raise SuiteFailedError(f"{where} gave {_listed(events)}, which is not right: {error}") from error
        if verdict is False:
            raise SuiteFailedError(f"{where} gave {_listed(events)}, which is not right")
        return
    wanted = [each if isinstance(each, Expect) else Expect(each) for each in step.emits]
    if len(events) != len(wanted):
        raise SuiteFailedError(f"{where} was to give {len(wanted)} events, but gave {_listed(events)}")
    for place, (expected, event) in enumerate(zip(wanted, events, strict=True), start=1):
        difference = expected.difference(event)
        if difference is not None:
            raise SuiteFailedError(f"{where}, event {place}: {difference}. It gave {_listed(events)}")


def _listed(events: Sequence[Event[Any]]) -> str:
    return ", ".join(repr(event) for event in cast("Sequence[object]", events)) or "no event"
