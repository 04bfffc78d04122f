"""Output of the command line with everything taken out that differs from run to run."""

from __future__ import annotations

import re

__all__ = ["masked"]

_DURATION = re.compile(r" *\b\d+\.(\d+)\b")
_RATE = re.compile(r", \d+ a second")
_ID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def masked(text: str) -> str:
    """The text with zeros for durations, in columns of the same width, and without rates and random ids."""
    text = _ID.sub("<id>", _RATE.sub("", text))
    return _DURATION.sub(lambda found: f"0.{'0' * len(found[1])}".rjust(len(found[0])), text)
