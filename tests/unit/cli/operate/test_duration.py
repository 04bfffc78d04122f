"""Lengths of time on command lines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.cli.operate.duration import brief, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("15m", 900), ("12h", 43_200), (" 7d ", 604_800), ("0s", 0)]
)
def test_a_number_and_a_unit_are_a_time(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-7d", "1.5h", "7 d", "7w", "7dd", "\N{ARABIC-INDIC DIGIT SEVEN}d", "9999999999d", "1h30m"]
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is no length of time\. Write a whole number and a unit: 30s, 15m, 12h or 7d\."
    ):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-3, "0s"),
        (0, "0s"),
        (0.0004, "0s"),
        (0.25, "250ms"),
        (1, "1s"),
        (59.9, "59s"),
        (60, "1m"),
        (3_600 + 59, "1h"),
        (7_380, "2h 3m"),
        (86_400 * 9 + 3_600 * 5, "9d 5h"),
    ],
)
def test_times_are_shown_in_their_two_largest_units(seconds: float, shown: str) -> None:
    assert brief(timedelta(seconds=seconds)) == shown


@given(st.integers(1, 10**6), st.sampled_from("smhd"))
def test_what_is_shown_in_one_unit_reads_as_the_same_time(number: int, unit: str) -> None:
    time = parse_duration(f"{number}{unit}")
    shown = brief(time)
    assert sum((parse_duration(part) for part in shown.split(" ")), timedelta(0)) <= time
