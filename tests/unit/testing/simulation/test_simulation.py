"""One seed is one run, faults happen as planned, and what is wrong is told."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError
from arvo.testing.simulation import FaultKind, Rule, System, report_on, shrink, try_out
from arvo.testing.simulation.beginning import Beginning
from tests.unit.testing.simulation.small import Weighed, a_system, an_app

if TYPE_CHECKING:
    from arvo.runtime import SystemView


def the_log(system: System, seed: int) -> list[str]:
    return list(try_out(system, system.scenario(seed)).log.lines())


def test_a_seed_is_always_the_same_run_and_seeds_differ() -> None:
    system = a_system(an_app())
    assert the_log(system, 7) == the_log(system, 7)
    assert the_log(system, 7) != the_log(system, 8)


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_of_fault_happens_and_breaks_nothing(kind: FaultKind) -> None:
    system = a_system(an_app(), [kind])
    reports = [report_on(system, seed) for seed in range(40)]
    assert sum(report.struck.get(kind, 0) for report in reports) > 3
    assert {other for report in reports for other in report.struck} == {kind}
    assert [report.violations for report in reports if report.violations] == []


def test_without_faults_nothing_goes_wrong() -> None:
    report = report_on(a_system(an_app(), []), 0)
    assert (report.violations, report.struck, report.deliveries) == ((), {}, report.deliveries)
    assert report.deliveries > 0


def test_simulated_time_costs_no_time() -> None:
    async def an_hour() -> None:
        await asyncio.sleep(600)

    started = time.perf_counter()
    report = report_on(a_system(an_app(an_hour), []), 0)
    assert report.violations == ()
    assert report.simulated_seconds > 600
    assert time.perf_counter() - started < 60


def test_an_invariant_of_the_app_is_checked_after_each_commit() -> None:
    app = an_app()
    seen: list[tuple[int, bool]] = []

    @app.invariant
    def look(system: SystemView) -> None:
        seen.append((len(system.payloads(Weighed)), system.at_rest))
        assert system.now.year >= 2030
        assert len(system.events) >= len(system.payloads(Weighed))
        assert list(system.workflows) == []

    assert report_on(a_system(app, []), 0).violations == ()
    assert seen[-1] == (4, True)
    assert [at_rest for _, at_rest in seen].count(True) == 1


def test_a_broken_invariant_is_a_violation_with_its_name() -> None:
    app = an_app()

    @app.invariant
    def at_most_two_are_weighed(system: SystemView) -> bool:
        return len(system.payloads(Weighed)) <= 2

    (violation,) = report_on(a_system(app, []), 0).violations
    assert violation.rule is Rule.INVARIANT
    assert "at_most_two_are_weighed" in violation.text


def test_a_failing_run_is_made_short() -> None:
    app = an_app()

    @app.invariant
    def nothing_is_weighed(system: SystemView) -> None:
        assert not system.payloads(Weighed)

    system = a_system(app)
    scenario = system.scenario(3)
    found = shrink(system, scenario, try_out(system, scenario))
    assert (len(found.scenario.inputs), len(found.scenario.faults), found.scenario.workers) == (1, 0, 1)
    assert len(found.outcome.log) < 10
    assert [violation.rule for violation in found.outcome.violations] == [Rule.INVARIANT]


def test_what_is_given_up_undisturbed_is_the_apps_own_doing() -> None:
    async def fail() -> None:
        raise ValueError("broken scales")

    assert report_on(a_system(an_app(fail)), 1).violations == ()


def test_what_waits_for_the_real_world_is_named() -> None:
    async def ask_nobody() -> None:
        await asyncio.get_running_loop().create_future()

    (violation,) = report_on(a_system(an_app(ask_nobody), []), 0).violations
    assert violation.rule is Rule.ENDS
    assert "com.parcel.weigh" in violation.text


def test_a_loop_that_waits_for_nothing_is_found() -> None:
    async def spin() -> None:
        while True:  # noqa: ASYNC110 - this is what is to be found
            await asyncio.sleep(0)

    (violation,) = report_on(a_system(an_app(spin), [], inputs_per_seed=1), 0).violations
    assert "time stands still" in violation.text


def test_code_that_leaves_simulated_time_is_named() -> None:
    async def cheat() -> None:
        time.time()
        random.SystemRandom().random()

    found = list(Beginning(a_system(an_app(cheat), [])).of(0))
    assert any("test_simulation.py" in one and "the real time" in one for one in found)
    assert any("real randomness" in one for one in found)


def test_an_app_that_differs_each_time_is_told_with_the_first_difference() -> None:
    calls = iter(range(1_000_000))

    async def dawdle() -> None:
        await asyncio.sleep(next(calls))

    (found,) = Beginning(a_system(an_app(dawdle), [])).of(0)
    assert "not the same run each time" in found


async def test_threads_are_refused() -> None:
    refused: list[BaseException] = []

    async def to_a_thread() -> None:
        try:
            await asyncio.to_thread(print)
        except Exception as error:
            refused.append(error)
            raise

    def simulate() -> Any:
        return report_on(a_system(an_app(to_a_thread), []), 0)

    await asyncio.to_thread(simulate)
    assert "run_in_executor needs the real world" in str(refused[0])


def test_a_system_in_which_nothing_happens_is_refused() -> None:
    with pytest.raises(DefinitionError, match="workers is 0"):
        a_system(an_app(), workers=0)
    with pytest.raises(DefinitionError, match="inputs_per_seed is 0"):
        a_system(an_app(), inputs_per_seed=0)


def test_a_system_without_inputs_is_refused() -> None:
    with pytest.raises(DefinitionError, match="no inputs"):
        System(make_app=an_app, inputs=())
