"""Lengths of time as people write them on a command line, and as they are shown to them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import click

__all__ = ["brief", "parse_duration", "to_duration"]

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PATTERN: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_STEPS: Final = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def parse_duration(text: str) -> timedelta:
    """The time that `30s`, `15m`, `12h` or `7d` means; `ValueError` for anything else."""
    found = _PATTERN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r:.40} is no length of time. Write a whole number and a unit: 30s, 15m, 12h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def brief(time: timedelta) -> str:
    """A time in its two largest units: `850ms`, `12s`, `3m 20s`, `4d 2h`; what is negative is none."""
    seconds = time.total_seconds()
    if seconds < 1:
        milliseconds = round(max(seconds, 0) * 1000)
        return f"{milliseconds}ms" if milliseconds else "0s"
    left, parts = int(seconds), list[str]()
    for name, length in _STEPS:
        number, left = divmod(left, length)
        if number or parts:
            parts.append(f"{number}{name}")
    shown = parts[:2]
    return shown[0] if len(shown) == 1 or shown[1].startswith("0") else " ".join(shown)


def to_duration(_: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    """The callback of options that take a length of time."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), param=parameter) from error
