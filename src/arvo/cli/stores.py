"""Which store an address on a command line means, and how it is opened. Back ends are imported only when named."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from arvo.backends.sqlite import SqliteStore
from arvo.backends.sqlite.location import database_path
from arvo.backends.sqlite.schema import STORE, version_in
from arvo.cli.failure import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from arvo.ports import Store

__all__ = ["STORE_VARIABLE", "existing_store", "store_at", "store_option"]

STORE_VARIABLE: Final = "ARVO_STORE"
"""The environment variable that may hold the address: a password does not belong on a command line."""

_POSTGRES = ("postgresql", "postgres")

store_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--store",
    "url",
    required=True,
    envvar=STORE_VARIABLE,
    show_envvar=True,
    metavar="URL",
    help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE.",
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


@asynccontextmanager
async def existing_store(url: str) -> AsyncGenerator[Store]:
    """The store at this address, open: `CommandError` or `BackendError` when its tables are not there, or not these.

    Unlike a worker, who looks at a store neither makes nor upgrades one.
    """
    store = store_at(url)
    if url.startswith("sqlite:"):
        await asyncio.to_thread(_check_file, database_path(url))
    async with store:
        yield store


def _check_file(path: Path) -> None:
    shown = str(path)
    if not path.exists():
        raise CommandError(
            f"There is no SQLite file {shown!r}. Correct the address; `arvo run MODULE:APP --store ...` and "
            "`arvo store upgrade --store ...` make a new store."
        )
    version = version_in(path, STORE)
    if version < STORE.version:
        found = f"has version {version} of Arvo's store" if version else "holds no store of Arvo"
        raise CommandError(
            f"The SQLite file {shown!r} {found}, and this Arvo needs version {STORE.version}. "
            f"Run: arvo store upgrade --store sqlite:///{path}"
        )
