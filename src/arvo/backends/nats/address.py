"""Where the servers are, and how that is said without giving a password away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from arvo.errors import BackendError

__all__ = ["Address"]

_SCHEMES: Final = ("nats", "tls", "ws", "wss")


@dataclass(frozen=True, slots=True)
class Address:
    """One server or several of one cluster, separated by commas. `str` leaves out users, passwords and tokens.

    The driver takes passwords as they stand in an address, so they are handed to it beside, with %XX read.
    """

    url: str = field(repr=False)
    servers: tuple[str, ...] = field(init=False)
    """Each without user, password or token."""
    _full: tuple[SplitResult, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        full = tuple(_parsed(part.strip()) for part in self.url.split(",") if part.strip())
        if not full or None in full:
            scheme = self.url.partition("://")[0][:40]
            raise BackendError(
                f"{scheme!r} is not the start of the address of a NATS server. Write nats://user:password@host:4222, "
                "with special characters in the password as %XX; tls:// for an encrypted connection, and commas "
                "between several servers of one cluster."
            )
        parts = tuple(part for part in full if part is not None)
        object.__setattr__(self, "_full", parts)
        servers = tuple(f"{part.scheme}://{part.netloc.rpartition('@')[2]}{part.path}" for part in parts)
        object.__setattr__(self, "servers", servers)

    def __str__(self) -> str:
        return ",".join(self.servers)

    @property
    def user(self) -> str:
        """The user named in it."""
        return self.login.get("user", "")

    @property
    def login(self) -> dict[str, str]:
        """User and password, or a token, as the driver takes them: those of the first server that has any."""
        for part in self._full:
            if part.username is not None and part.password is not None:
                return {"user": unquote(part.username), "password": unquote(part.password)}
            if part.username:
                return {"token": unquote(part.username)}
        return {}

    def scrubbed(self, text: str) -> str:
        """A text of the driver or the server without passwords and tokens, in one line."""
        for part in self._full:
            secret = (part.username if part.password is None else part.password) or ""
            for shown in {secret, unquote(secret)} - {""}:
                text = text.replace(shown, "***")
        return " ".join(text.split())


def _parsed(text: str) -> SplitResult | None:
    """The parts of the address of one server; None when it is none."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in _SCHEMES and parts.hostname else None
