"""Ids are random, derived or managed; derived ones are the same everywhere and different for different outputs."""

from __future__ import annotations

import base64
import subprocess
import sys
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidEvent
from arvo.events import derive_event_id, managed_event_id, new_event_id, parse_managed_event_id
from tests.unit.events.strategies import any_texts, domains, event_types, texts


def test_a_new_id_is_a_random_uuid() -> None:
    made = {new_event_id() for _ in range(1000)}
    assert len(made) == 1000
    assert {(UUID(one).version, UUID(one).variant) for one in made} == {(4, "specified in RFC 4122")}
    assert all(str(UUID(one)) == one for one in made)


outputs = st.tuples(event_types, any_texts, event_types, st.integers(0, 100), st.none() | domains)


@given(outputs, outputs)
def test_derived_ids_are_equal_exactly_for_the_same_output(
    a: tuple[str, str, str, int, str | None], b: tuple[str, str, str, int, str | None]
) -> None:
    assert derive_event_id(*a) == derive_event_id(*a)
    assert (derive_event_id(*a) == derive_event_id(*b)) is (a == b)
    assert UUID(derive_event_id(*a)).version == 5


def test_a_derived_id_is_the_same_in_every_process() -> None:
    script = "from arvo.events import derive_event_id; print(derive_event_id('com.c.d', 'e', 'com.a.b', 0, None))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == derive_event_id("com.c.d", "e", "com.a.b", 0, None)
    # Stored workflows and inboxes depend on it, so it may never change.
    assert other.stdout.strip() == "f5ef0a13-ad14-5bdd-bf91-cbb617ba1f2b"


@given(texts.filter(lambda text: text.strip() != ""))
def test_a_managed_id_gives_its_value_back(value: str) -> None:
    first, second = managed_event_id(value), managed_event_id(value)
    assert first != second
    parsed = parse_managed_event_id(first)
    assert parsed is not None
    assert parsed.value == value.strip()
    assert UUID(parsed.uuid).version == 4


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_a_blank_managed_value_is_refused(value: str) -> None:
    with pytest.raises(InvalidEvent, match="not blank") as refusal:
        managed_event_id(value)
    assert refusal.value.issues[0].path == ("id",)


def test_a_managed_value_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="65536"):
        managed_event_id("x" * 70_000)


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b'{"uuid":"a"}', b'{"uuid":"a","value":1}', b'{"uuid":1,"value":"a"}']
)
def test_other_packed_content_is_no_managed_id(content: bytes) -> None:
    assert parse_managed_event_id(base64.b64encode(zlib.compress(content)).decode()) is None


@given(any_texts)
def test_other_ids_are_no_managed_ones(text: str) -> None:
    assert parse_managed_event_id(text) is None
