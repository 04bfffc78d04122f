"""The pytest plugin in projects of its own, run by pytest as their authors would."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

SETTINGS = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
pythonpath = {root}
{more}
"""

CONFTEST = """
import pytest
from tests.unit.testing.harness.shop import make_app

@pytest.fixture
def arvo_app():
    return make_app()
"""

TEST_HEAD = """
from tests.unit.testing.harness.shop import *
from tests.unit.testing.harness.shop import approval_v1, charge_v1, shop_v1
"""


@pytest.fixture
def project(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> pytest.Pytester:
    write_settings(pytester, request)
    pytester.makeconftest(CONFTEST)
    return pytester


def write_settings(pytester: pytest.Pytester, request: pytest.FixtureRequest, more: str = "") -> None:
    pytester.makefile(".ini", pytest=SETTINGS.format(root=request.config.rootpath, more=more))


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    installed = any(plugin.value == "pytest_arvo" for plugin in entry_points(group="pytest11"))
    loaded = () if installed else ("-p", "pytest_arvo")
    return project.runpytest_inprocess("-p", "no:cacheprovider", *loaded, *options)


def test_a_test_gets_the_app_on_a_worker(project: pytest.Pytester) -> None:
    project.makepyfile(
        TEST_HEAD
        + """
async def test_time(arvo):
    order = shop_v1.request(Buy(cents=1), source="com.web.shop")
    await arvo.publish(order)
    await arvo.advance("3 days")
    assert shop_v1.parse_emitted((await arvo.answers(order))[0]).data == NotBought(reason="nobody answered")

async def test_again_from_the_start(arvo):
    assert len(arvo.events) == 0

class TestInAClass:
    async def test_charging(self, arvo):
        await arvo.resolve(charge_v1.request(Charge(cents=1), source="com.web.shop"))
        arvo.events.assert_emitted(Charged, times=1)
"""
    )
    run(project).assert_outcomes(passed=3)


def test_fixtures_can_use_it_before_the_test_does(project: pytest.Pytester) -> None:
    project.makepyfile(
        "import pytest\n"
        + TEST_HEAD
        + """
@pytest.fixture
async def order(arvo):
    order = shop_v1.request(Buy(cents=1), source="com.web.shop")
    await arvo.publish(order)
    return order

async def test_time(arvo, order):
    assert len(await arvo.waiting("human")) == 1
"""
    )
    run(project).assert_outcomes(passed=1)


def test_a_failure_tells_what_happened(project: pytest.Pytester) -> None:
    project.makepyfile(
        TEST_HEAD
        + """
async def test_charging(arvo):
    await arvo.resolve(charge_v1.request(Charge(cents=1), source="com.web.shop"))
    arvo.events.assert_emitted(Bought)
"""
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*What happened in the app*", "*com.card.charge took com.card.charge*"])


def test_telemetry_is_recorded_for_one_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        TEST_HEAD
        + """
async def test_charging(arvo, arvo_telemetry):
    await arvo.resolve(charge_v1.request(Charge(cents=1), source="com.web.shop"))
    assert arvo_telemetry.total("arvo.deliveries") == 1
    assert len(arvo_telemetry.trace_ids) == 1
    assert arvo_telemetry.spans_named(arvo_telemetry.spans[0].name)

def test_afterwards_nothing_records():
    from arvo.telemetry.provider import meter, tracer
    assert meter() is None and tracer() is None
"""
    )
    run(project).assert_outcomes(passed=2)


def test_the_settings_can_name_the_app(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> None:
    write_settings(pytester, request, "arvo_app = examples.orders.app:app")
    pytester.makepyfile("async def test_app(arvo):\n    assert len(arvo.app.handlers) > 3\n")
    run(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("", "*No app is under test*"),
        ("arvo_app = examples.orders.app:nothing", "*cannot be imported*"),
        ("arvo_app = no.such.module:app", "*cannot be imported*"),
        ("arvo_app = examples.orders.order:order", "*is a OrchestratorContract, no App*"),
    ],
)
def test_without_an_app_it_says_what_to_do(
    pytester: pytest.Pytester, request: pytest.FixtureRequest, more: str, says: str
) -> None:
    write_settings(pytester, request, more)
    pytester.makepyfile("async def test_app(arvo):\n    pass\n")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([says])


def test_a_test_that_is_not_async_is_told_so(project: pytest.Pytester) -> None:
    project.makepyfile("def test_app(arvo):\n    pass\n")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has to be `async def`*"])


def test_anyio_runs_it_too(project: pytest.Pytester) -> None:
    project.makepyfile(
        "import pytest\npytestmark = pytest.mark.anyio\n"
        + TEST_HEAD
        + """
@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_charging(arvo):
    await arvo.resolve(charge_v1.request(Charge(cents=1), source="com.web.shop"))
"""
    )
    run(project, "-p", "no:asyncio", "-o", "asyncio_mode=strict").assert_outcomes(passed=1)


def test_suites_are_tests_of_their_own(project: pytest.Pytester) -> None:
    project.makepyfile(
        TEST_HEAD
        + """
from arvo import ExecutionViolation
from arvo.testing import Case, Step, Suite

ask = charge_v1.request(Charge(cents=1), source="com.web.shop")
test_charging = Suite(
    [make_app().handlers[0], make_app(failures=1).handlers[0]],
    [Case("it charges", [Step(input=ask, emits=[Charged])]), Case("it is asked twice", [Step(input=ask)] * 2)],
)
test_failing = Suite(
    [make_app(failures=9).handlers[0]],
    [Case("it fails", [Step(input=ask, raises=ExecutionViolation, match="Try again")])],
)
not_a_test = test_charging
"""
    )
    result = run(project, "-v")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_charging::com.card.charge#2: it charges FAILED*",
            "*Step 1 (com.card.charge) raised ExecutionViolation*",
        ]
    )
