"""Where the server is, and how that is said without giving the password away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from arvo.errors import BackendError

__all__ = ["Address"]

_SCHEMES: Final = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a database, as asyncpg takes it. `str` leaves out the password and the options."""

    url: str = field(repr=False)
    _parts: SplitResult = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in _SCHEMES
            _ = parts.port
        except ValueError:
            parts, valid = urlsplit(""), False
        if not valid:
            raise BackendError(
                f"{self._scheme!r} is not the start of the address of a Postgres database. Write "
                "postgresql://user:password@host:5432/database, with special characters in the password as %XX."
            )
        object.__setattr__(self, "_parts", parts)

    def __str__(self) -> str:
        user = f"{unquote(self._parts.username)}@" if self._parts.username else ""
        place = self._parts.netloc.rpartition("@")[2]
        return f"postgresql://{user}{place}{self._parts.path}"

    @property
    def user(self) -> str:
        """The user named in it."""
        return unquote(self._parts.username or "")

    @property
    def database(self) -> str:
        """The database named in it; Postgres takes the user's name when there is none."""
        return unquote(self._parts.path.lstrip("/")) or self.user

    def scrubbed(self, text: str) -> str:
        """Return a text of the driver or the server without the password."""
        secrets = {self._parts.password, unquote(self._parts.password or "")}
        for secret in secrets:
            if secret:
                text = text.replace(secret, "***")
        return text

    @property
    def _scheme(self) -> str:
        return self.url.partition("://")[0][:40]
