"""The pytest plugin: the fixtures `arvo_app`, `arvo` and `arvo_telemetry`, suites as tests, the story of a failure.

Outside of the package and without an import of it, because pytest imports plugins in every project in which they are
installed: those that do not use it pay nothing. What the fixtures give is in `arvo.testing`.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator

    from arvo import App
    from arvo.testing import Case, Harness, RecordedTelemetry, Suite

_FIXTURE = "arvo"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let pytest's settings name the app."""
    parser.addini("arvo_app", "The app that the fixture `arvo` runs, as module:name, like shop.main:app.", default="")


@pytest.fixture
def arvo_app(request: pytest.FixtureRequest) -> App:
    """The app under test: what `arvo_app` in pytest's settings names. Override the fixture to give another."""
    reference: str = request.config.getini("arvo_app")
    if not reference:
        pytest.fail(
            "No app is under test. Name it in pytest's settings (arvo_app = shop.main:app), or define a fixture "
            "arvo_app that returns one.",
            pytrace=False,
        )
    from arvo import App

    try:
        found: object = resolve_name(reference)
    except (ImportError, AttributeError, ValueError) as error:
        pytest.fail(f"arvo_app = {reference} in pytest's settings cannot be imported: {error}", pytrace=False)
    if not isinstance(found, App):
        pytest.fail(f"arvo_app = {reference} in pytest's settings is a {type(found).__name__}, no App.", pytrace=False)
    return found


@pytest.fixture
def arvo(request: pytest.FixtureRequest, arvo_app: App) -> Harness:
    """The app on a durable worker, with its store in memory and its time in the hands of the test."""
    from arvo.testing import Harness

    function: object = getattr(request.node, "obj", None)
    if not inspect.iscoroutinefunction(inspect.unwrap(function) if callable(function) else function):
        pytest.fail(
            f"{request.node.name} asks for the fixture `arvo`, so it has to be `async def`, and run by pytest-asyncio "
            "or anyio.",
            pytrace=False,
        )
    return Harness(arvo_app)


@pytest.fixture
def arvo_telemetry() -> Iterator[RecordedTelemetry]:
    """The spans and measurements of the test, of this process alone. Needs the extra `otel`."""
    from arvo.testing import recorded_telemetry

    with recorded_telemetry() as recorded:
        yield recorded


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Close the harness in the event loop of the test, which only the test itself runs in."""
    harness = _harness_of(item)
    if harness is None or not isinstance(item, pytest.Function):
        return (yield)
    function = item.obj
    item.obj = _closing(function, harness)
    try:
        return (yield)
    finally:
        item.obj = function


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell what happened in a test that failed."""
    report = yield
    harness = _harness_of(item)
    if report.failed and harness is not None:
        letters = [f"Dead letter: {letter}" for letter in harness.dead_letters]
        report.sections.append(("What happened in the app", "\n".join([harness.timeline(), *letters])))
    return report


def _harness_of(item: pytest.Item) -> Harness | None:
    given: Any = getattr(item, "funcargs", {}).get(_FIXTURE)
    if given is None:
        return None
    from arvo.testing import Harness

    return given if isinstance(given, Harness) else None


def _closing(function: Callable[..., Awaitable[Any]], harness: Harness) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(function)
    async def closing(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        finally:
            await harness.close()

    return closing


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> pytest.Collector | None:
    """Take a suite whose name is that of a test for one."""
    kind = type(obj)
    if kind.__name__ != "Suite" or kind.__module__ != "arvo.testing.suites" or not collector.funcnamefilter(name):
        return None
    made: SuiteCollector = cast("Any", SuiteCollector).from_parent(collector, name=name, suite=obj)
    return made


class SuiteCollector(pytest.Collector):
    """A suite as pytest sees it."""

    def __init__(self, *, suite: Suite, **given: Any) -> None:
        cast("Any", super()).__init__(**given)
        self._suite = suite

    def collect(self) -> Iterable[pytest.Item]:
        """Give a test for each handler and case."""
        for name, handler, case in self._suite.runs():
            yield cast("Any", SuiteItem).from_parent(self, name=name, handler=handler, case=case)


class SuiteItem(pytest.Item):
    """A case of a suite, with one of its handlers."""

    def __init__(self, *, handler: Any, case: Case, **given: Any) -> None:
        cast("Any", super()).__init__(**given)
        self._handler = handler
        self._case = case

    def runtest(self) -> None:
        """Run the case in an event loop of its own."""
        from arvo.testing.suites import run_case

        asyncio.run(run_case(self._handler, self._case))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say what did not come as it was to, without the way there."""
        from arvo.testing import SuiteFailedError

        if isinstance(excinfo.value, SuiteFailedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)
