"""What the headers of a message say: those of its sender, and those that this back end and the server add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ADDRESS", "AT", "ATTEMPTS", "DETAIL", "EVENT_ID", "REASON", "attempt_of", "number_in", "plain_headers"]

_OWN: Final = "x-arvo-"
EVENT_ID: Final = _OWN + "event-id"
ADDRESS: Final = _OWN + "address"
ATTEMPTS: Final = _OWN + "attempts"
"""How often the message had been given out when it was published again."""
REASON: Final = _OWN + "reason"
DETAIL: Final = _OWN + "detail"
AT: Final = _OWN + "at"
_OF_THE_SERVER: Final = (
    _OWN,
    "x-delivery-count",
    "x-acquired-count",
    "x-death",
    "x-first-death-",
    "x-last-death-",
    "x-stream-offset",
    "x-exchange",
    "x-routing-key",
)


def plain_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """The headers of the sender, as text."""
    return {
        name: bytes(value).decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)
        for name, value in headers.items()
        if not name.startswith(_OF_THE_SERVER)
    }


def attempt_of(headers: Mapping[str, Any]) -> int:
    """Which attempt this is: those before it was put back, those that the server counts, and this one."""
    return number_in(headers.get(ATTEMPTS)) + number_in(headers.get("x-delivery-count")) + 1


def number_in(value: object) -> int:
    """A count that is one; strangers may send anything under this name."""
    return value if isinstance(value, int) and value > 0 else 0
