"""The W3C's tests of SCXML, as far as charts here and SCXML speak of the same things, and why not the others."""

from __future__ import annotations

import pytest

from tests.acceptance.scxml.conversion import convert
from tests.acceptance.scxml.expressions import OutOfSubsetError
from tests.acceptance.scxml.fixtures import CATALOGUE, PASSES, Expected, Fixture, names_in_package
from tests.acceptance.scxml.session import Session
from tests.acceptance.scxml.vocabulary import load_chart

REASONS = CATALOGUE["reasons"]
TESTS = CATALOGUE["tests"]
NO_EXPECTATIONS = "no_expectations"
DIFFERENCES = {reason for reason in REASONS if reason.startswith("xstate_differs_")}
LEAST_PASSING = 131


def named(*reasons: str) -> list[str]:
    return [name for name, reason in TESTS.items() if reason in reasons]


def run(fixture: Fixture) -> list[set[str]]:
    """The active states, each time the test looks."""
    session = Session(load_chart(convert(fixture.document)))
    seen = [session.configuration]
    for expected in fixture.expectations:
        if expected.event is not None:
            session.wait(expected.wait)
            session.send(expected.event)
            seen.append(session.configuration)
    return seen


def configurations(expectations: list[Expected]) -> list[set[str]]:
    return [expected.configuration for expected in expectations]


@pytest.mark.parametrize("name", named(PASSES))
def test_chart_is_in_the_states_that_scxml_expects(name: str) -> None:
    fixture = Fixture(name)

    assert run(fixture) == configurations(fixture.expectations)


@pytest.mark.parametrize("name", named(*DIFFERENCES))
def test_chart_is_in_other_states_where_xstate_differs_from_scxml(name: str) -> None:
    fixture = Fixture(name)

    assert run(fixture) != configurations(fixture.expectations)


@pytest.mark.parametrize("name", named(*REASONS.keys() - DIFFERENCES - {NO_EXPECTATIONS}))
def test_document_is_left_out_for_the_reason_in_the_catalogue(name: str) -> None:
    with pytest.raises(OutOfSubsetError) as caught:
        convert(Fixture(name).document)

    assert caught.value.reason == TESTS[name]


@pytest.mark.parametrize("name", named(NO_EXPECTATIONS))
def test_document_has_no_expectations_in_the_package(name: str) -> None:
    assert not Fixture(name).has_expectations


def test_catalogue_tells_what_becomes_of_every_test_of_the_package() -> None:
    assert set(TESTS) == names_in_package()
    assert set(TESTS.values()) == {PASSES, *REASONS}


def test_enough_of_scxml_is_covered() -> None:
    assert len(named(PASSES)) >= LEAST_PASSING
