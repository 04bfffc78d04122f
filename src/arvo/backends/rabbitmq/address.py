"""Where the server is, and how that is said without giving a password away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from arvo.errors import BackendError

__all__ = ["Address"]

_SCHEMES: Final = ("amqp", "amqps")


@dataclass(frozen=True, slots=True)
class Address:
    """One server and its virtual host. `str` leaves out user and password."""

    url: str = field(repr=False)
    shown: str = field(init=False)
    user: str = field(init=False, repr=False)
    _password: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            _ = parts.port
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in _SCHEMES or not parts.hostname:
            scheme = self.url.partition("://")[0][:40]
            raise BackendError(
                f"{scheme!r} is not the start of the address of a RabbitMQ server. Write "
                "amqp://user:password@host:5672/vhost, with special characters as %XX; amqps:// for an encrypted "
                "connection."
            )
        object.__setattr__(self, "shown", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        object.__setattr__(self, "user", unquote(parts.username or "guest"))
        object.__setattr__(self, "_password", parts.password or "")

    def __str__(self) -> str:
        return self.shown

    def scrubbed(self, text: str) -> str:
        """A text of the driver or the server without the password, in one line."""
        for shown in {self._password, unquote(self._password)} - {""}:
            text = text.replace(shown, "***")
        return " ".join(text.split())
