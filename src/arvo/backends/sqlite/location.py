"""Which file is meant: a path or a `sqlite:///` address."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from arvo.errors import BackendError

__all__ = ["database_path"]


def database_path(location: str | Path) -> Path:
    """Return the path of the database file, or raise BackendError when `location` names none.

    `sqlite:///orders.db` is relative to the working directory, `sqlite:////var/lib/orders.db` is absolute.
    """
    if isinstance(location, Path):
        return location
    if "://" not in location:
        name = location
    else:
        address = urlsplit(location)
        if address.scheme != "sqlite" or address.netloc or address.query or address.fragment:
            raise BackendError(
                f"{location!r} is not the address of a SQLite file. Write sqlite:///orders.db for a file in the "
                "working directory, sqlite:////var/lib/orders.db for an absolute path, or give the path alone."
            )
        name = unquote(address.path).removeprefix("/")
    if name in ("", ":memory:"):
        raise BackendError(
            f"{location!r} names no file. Name one, as in sqlite:///orders.db, or use InMemoryMachineMemory when "
            "nothing needs to be kept."
        )
    return Path(name)
