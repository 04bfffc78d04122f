"""Replays `encode_uri.json`: JavaScript's encodeURI, decodeURI and the rule for addresses made of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import InvalidEvent
from arvo.events import decode_uri, encode_uri, is_encoded_uri
from tests.support.vectors import load, record_name

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("record", load("encode_uri"), ids=record_name)
def test_addresses_are_encoded_as_javascript_does(record: dict[str, Any]) -> None:
    text, expected = record["input"], record["output"]
    assert _outcome(encode_uri, text) == _recorded(expected["encodeURI"])
    assert _outcome(decode_uri, text) == _recorded(expected["decodeURI"])
    assert is_encoded_uri(text) is expected["validateURI"]


def _outcome(function: Callable[[str], str], text: str) -> str | None:
    try:
        return function(text)
    except InvalidEvent:
        return None


def _recorded(outcome: dict[str, Any]) -> str | None:
    if "error" in outcome:
        assert outcome["error"]["name"] == "URIError"
        return None
    value: str = outcome["value"]
    return value
