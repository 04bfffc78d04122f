"""The string formats of JSON Schema that imported contracts are held to; a format not named here is only a remark."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FORMATS"]

_EMAIL = re.compile(r"[A-Za-z0-9_+'-]+(\.[A-Za-z0-9_+'-]+)*@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
_WEB_URI_WITHOUT_HOST = re.compile(r"(?i:https?|wss?|ftp):/*(?:[?#].*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?")
_DATE_TIME = re.compile(_DATE.pattern + "T" + _TIME.pattern + r"(Z|[+-][0-9]{2}:[0-9]{2})")
_DURATION = re.compile(
    r"P(?=[0-9T])([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?"
    r"(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+([.,][0-9]+)?S)?)?"
)


def _is_uri(text: str) -> bool:
    return _URI.fullmatch(text) is not None and _WEB_URI_WITHOUT_HOST.fullmatch(text) is None


def _matches(shape: re.Pattern[str], parse: Callable[[str], object]) -> Callable[[str], bool]:
    """Whether a text has the shape and also names something that exists, such as no 30th of February."""

    def check(text: str) -> bool:
        try:
            return shape.fullmatch(text) is not None and parse(text) is not None
        except ValueError:
            return False

    return check


_ANY = re.compile(r".+", re.DOTALL)

FORMATS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "date": _matches(_DATE, date.fromisoformat),
        "date-time": _matches(_DATE_TIME, datetime.fromisoformat),
        "duration": lambda text: _DURATION.fullmatch(text) is not None,
        "email": lambda text: _EMAIL.fullmatch(text) is not None,
        "ipv4": _matches(_ANY, IPv4Address),
        "ipv6": _matches(_ANY, IPv6Address),
        "time": _matches(_TIME, time.fromisoformat),
        "uri": _is_uri,
        "uuid": lambda text: _UUID.fullmatch(text) is not None,
    }
)
