"""Suites run declared cases against handlers and say what did not come as it was to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError, ExecutionViolation
from arvo.testing import Case, Expect, Repeat, Step, Suite, SuiteFailedError
from tests.unit.testing.harness.shop import Approved as Yes
from tests.unit.testing.harness.shop import Ask, Buy, Charge, Charged, approval_v1, buy, charge_v1, make_app, shop_v1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo import Event

ASK = charge_v1.request(Charge(cents=1), source="com.web.shop")


async def failure_of(*steps: Step, failures: int = 0) -> str:
    with pytest.raises(ExceptionGroup) as caught:
        await Suite([make_app(failures=failures).handlers[0]], [Case("case", steps)]).run()
    (error,) = caught.value.exceptions
    assert isinstance(error, SuiteFailedError)
    assert error.__notes__ == ["com.card.charge: case"]
    return str(error)


async def test_a_workflow_goes_on_from_step_to_step() -> None:
    def yes(events: Sequence[Event[Any]]) -> Event[Any]:
        return approval_v1.reply(Yes(by="ada"), to=events[0])

    begin = Step(input=shop_v1.request(Buy(cents=5), source="com.web.shop"), emits=lambda events: len(events) == 2)
    case = Case("approved", [begin, Step(input=yes, emits=[Expect(Charge, data={"cents": 5})])])
    await Suite([buy], [case]).run()
    await Suite([buy], [case]).run()


async def test_an_error_can_be_what_is_to_come() -> None:
    failing = Step(input=ASK, raises=ExecutionViolation, match="not there")
    await Suite([make_app(failures=1).handlers[0]], [Case("case", [failing, Step(input=ASK, emits=[Charged])])]).run()


async def test_most_runs_passing_may_be_enough() -> None:
    steps = [Step(input=ASK, emits=[Charged])]
    await Suite([make_app(failures=2).handlers[0]], [Case("case", steps, repeat=Repeat(times=10, at_least=0.8))]).run()
    with pytest.raises(ExceptionGroup) as caught:
        await Suite(
            [make_app(failures=3).handlers[0]], [Case("case", steps, repeat=Repeat(times=10, at_least=0.8))]
        ).run()
    assert "7 of 10 runs passed, and 80% are to" in str(caught.value.exceptions[0])


def _raise(_: object) -> None:
    raise AssertionError("too dear")


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Step(input=ASK, emits=[]), "was to give 0 events, but gave Event"),
        (Step(input=ASK, emits=[Ask]), "it carries Charged, not Ask"),
        (Step(input=ASK, emits=["com.other"]), "its type is 'evt.card.charge.success', not 'com.other'"),
        (Step(input=ASK, emits=[Expect(Charged, data={"charge_id": "x"})]), "its data.charge_id is 'ch_1', not 'x'"),
        (Step(input=ASK, emits=[Expect(Charged, data={"id": "x"})]), "it has no data.id"),
        (Step(input=ASK, emits=[Expect(Charged, attributes={"to": "com.x"})]), "its to is 'com.web.shop', not 'com.x'"),
        (Step(input=ASK, emits=lambda events: not events), "which is not right"),
        (Step(input=ASK, emits=_raise), "which is not right: too dear"),
        (Step(input=ASK, raises=ExecutionViolation), "was to raise ExecutionViolation, but gave Event"),
    ],
)
async def test_what_came_otherwise_is_said(step: Step, says: str) -> None:
    assert says in await failure_of(step)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Step(input=ASK), "raised ExecutionViolation: The card service is not there"),
        (Step(input=ASK, raises=DefinitionError), "was to raise DefinitionError, but raised ExecutionViolation"),
        (Step(input=ASK, raises=ExecutionViolation, match="money"), "its text does not fit 'money'"),
    ],
)
async def test_which_error_came_instead_is_said(step: Step, says: str) -> None:
    assert says in await failure_of(step, failures=1)


def test_what_makes_no_sense_is_refused() -> None:
    case = Case("case", [Step(input=ASK)])
    handler = make_app().handlers[0]
    for refused in (
        lambda: Suite([], [case]),
        lambda: Suite([handler], []),
        lambda: Suite([handler], [case, case]),
        lambda: Repeat(times=0),
        lambda: Repeat(times=1, at_least=1.5),
        lambda: Step(input=ASK, match="x"),
        lambda: Step(input=ASK, raises=ValueError, emits=[]),
    ):
        with pytest.raises(DefinitionError):
            refused()
