"""The tables and functions of the store, and how a database gets them.

They are made by the numbered files under `migrations`; the table `arvo_schema` of the schema holds the version.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from arvo.errors import BackendError
from arvo.ports.store.inspection import SchemaUpgrade

if TYPE_CHECKING:
    import asyncpg

    from arvo.backends.postgres.address import Address

__all__ = ["check_version", "migrations", "upgrade"]

_PART = "store"
# Any number that no other program uses for its advisory locks.
_UPGRADE_LOCK = 0x6172766F


@cache
def migrations() -> tuple[str, ...]:
    """The scripts, in order; their number is the version that this code works with."""
    folder = files("arvo.backends.postgres") / "migrations"
    scripts = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)


async def check_version(connection: asyncpg.Connection[Any], address: Address, schema: str) -> None:
    """Raise BackendError unless the tables are those of this version."""
    version = await _stored_version(connection, address)
    if version < len(migrations()):
        found = f"version {version} of Arvo's tables" if version else "no tables of Arvo"
        raise BackendError(
            f"The schema {schema!r} of {address} has {found}, and this Arvo needs version {len(migrations())}. "
            f"Run: arvo store upgrade --store {address}"
        )


async def upgrade(connection: asyncpg.Connection[Any], address: Address, schema: str) -> SchemaUpgrade:
    """Make what is missing, in one transaction."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _UPGRADE_LOCK)
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema):
            quoted = await connection.fetchval("SELECT quote_ident($1)", schema)
            await connection.execute(f"CREATE SCHEMA {quoted}")
        before = await _stored_version(connection, address)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS arvo_schema (part text PRIMARY KEY, version integer NOT NULL)"
        )
        for script in migrations()[before:]:
            await connection.execute(script)
        await connection.execute(
            "INSERT INTO arvo_schema VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = excluded.version",
            _PART,
            len(migrations()),
        )
    return SchemaUpgrade(before=before, after=len(migrations()))


async def _stored_version(connection: asyncpg.Connection[Any], address: Address) -> int:
    if await connection.fetchval("SELECT to_regclass('arvo_schema') IS NULL"):
        return 0
    version: int = await connection.fetchval("SELECT version FROM arvo_schema WHERE part = $1", _PART) or 0
    if version > len(migrations()):
        raise BackendError(
            f"The tables in {address} were made by a newer Arvo: they have version {version}, this one knows up to "
            f"{len(migrations())}. Upgrade arvo-event-handler here."
        )
    return version
