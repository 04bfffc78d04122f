"""Semantic versions have an order, and dataschemas come apart and together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import DefinitionError
from arvo.events import WILDCARD_VERSION, DataSchema, SemanticVersion
from tests.unit.events.strategies import any_texts, versions

parsed = versions.map(SemanticVersion.parse)


@given(parsed, parsed)
def test_the_order_is_that_of_the_numbers(a: SemanticVersion, b: SemanticVersion) -> None:
    assert (a < b) is ((a.major, a.minor, a.patch) < (b.major, b.minor, b.patch))


@given(parsed, parsed)
def test_exactly_one_of_less_equal_greater_holds(a: SemanticVersion, b: SemanticVersion) -> None:
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a <= b) is (a < b or a == b)
    assert (a > b) is (b < a)


@given(parsed, parsed, parsed)
def test_the_order_is_transitive(a: SemanticVersion, b: SemanticVersion, c: SemanticVersion) -> None:
    low, middle, high = sorted((a, b, c))
    assert low <= middle <= high
    assert low <= high


@given(parsed)
def test_a_version_is_spelled_as_it_is_parsed(version: SemanticVersion) -> None:
    assert SemanticVersion.parse(str(version)) == version


def test_ten_comes_after_nine() -> None:
    assert SemanticVersion.parse("1.10.0") > SemanticVersion.parse("1.9.9")


@pytest.mark.parametrize(
    "text", ["1.0", "1.0.0.0", "v1.0.0", "1.0.0\n", "", "\uff11.0.0", "1..0", "-1.0.0", "1.0.0" + "0" * 9999]
)
def test_what_is_not_three_numbers_is_refused(text: str) -> None:
    assert not SemanticVersion.is_valid(text)
    with pytest.raises(DefinitionError, match="three numbers") as refusal:
        SemanticVersion.parse(text)
    assert len(str(refusal.value)) < 300


@given(any_texts, versions)
def test_a_dataschema_comes_apart_as_it_was_built(uri: str, version: str) -> None:
    assert DataSchema.parse(str(DataSchema(uri, version))) == DataSchema(uri, version)


@given(any_texts)
def test_whatever_the_text_a_dataschema_is_there_or_not(text: str) -> None:
    found = DataSchema.parse(text)
    assert found is None or SemanticVersion.is_valid(found.version)


def test_the_wildcard_is_the_version_of_system_errors() -> None:
    assert DataSchema("#/a", WILDCARD_VERSION).is_wildcard
    assert not DataSchema("#/a", "1.0.0").is_wildcard
    assert DataSchema.parse(None) is None


@given(st.integers(0), st.integers(0), st.integers(0))
def test_versions_of_any_size_are_told_or_refused(major: int, minor: int, patch: int) -> None:
    text = f"{major}.{minor}.{patch}"
    assert SemanticVersion.is_valid(text) is (len(text) <= 400)
