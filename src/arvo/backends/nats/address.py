"""Where the servers are, and how that is said without giving a password away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from arvo.errors import BackendError

__all__ = ["Address"]

_SCHEMES: Final = ("nats", "tls", "ws", "wss")


@dataclass(frozen=True, slots=True)
class Address:
    """One server or several of one cluster, separated by commas. `str` leaves out users, passwords and tokens."""

    url: str = field(repr=False)
    servers: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        servers = tuple(part.strip() for part in self.url.split(",") if part.strip())
        if not servers or not all(map(_is_server, servers)):
            scheme = self.url.partition("://")[0][:40]
            raise BackendError(
                f"{scheme!r} is not the start of the address of a NATS server. Write nats://user:password@host:4222, "
                "with special characters in the password as %XX; tls:// for an encrypted connection, and commas "
                "between several servers of one cluster."
            )
        object.__setattr__(self, "servers", servers)

    def __str__(self) -> str:
        parts = map(urlsplit, self.servers)
        return ",".join(f"{part.scheme}://{part.netloc.rpartition('@')[2]}" for part in parts)

    @property
    def user(self) -> str:
        """The user named in it, for messages; what stands alone before the host is a token, and not shown."""
        first = urlsplit(self.servers[0])
        return unquote(first.username or "") if first.password is not None else ""

    def scrubbed(self, text: str) -> str:
        """A text of the driver or the server without passwords and tokens, in one line."""
        for server in self.servers:
            part = urlsplit(server)
            secret = part.username if part.password is None else part.password
            for shown in {secret or "", unquote(secret or "")} - {""}:
                text = text.replace(shown, "***")
        return " ".join(text.split())


def _is_server(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.hostname)
