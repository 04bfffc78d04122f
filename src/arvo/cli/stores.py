"""Which store an address on a command line means. A back end is imported only when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from arvo.backends.sqlite import SqliteStore
from arvo.cli.failure import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from arvo.ports import Store

__all__ = ["store_at", "store_option"]

_POSTGRES = ("postgresql", "postgres")

store_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--store", "url", required=True, metavar="URL", help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
)


def store_at(url: str) -> Store:
    """The store at this address, not opened yet. Raises `CommandError` or `BackendError` when it names none."""
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme in _POSTGRES:
        try:
            # Here and not above, because its driver is an extra.
            from arvo.backends.postgres import PostgresStore
        except ModuleNotFoundError as error:
            raise CommandError(str(error)) from error
        return PostgresStore(url)
    if scheme == "sqlite":
        return SqliteStore(url)
    # Not repeated whole: what was mistyped may be an address with a password in it.
    named = f"starts with {scheme[:40]!r}" if scheme else "has no scheme"
    raise CommandError(
        f"The address of the store {named}. Write sqlite:///orders.db for a file in this folder, or "
        "postgresql://user:password@host:5432/database."
    )
