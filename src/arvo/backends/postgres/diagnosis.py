"""What a failure of Postgres means to the operator, and whether trying again a moment later can help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

from arvo.errors import BackendError

if TYPE_CHECKING:
    from arvo.backends.postgres.address import Address

__all__ = ["CONNECTION_LOST", "FAILURES", "backend_error", "is_outage", "is_passing"]

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)
"""Everything that the driver raises for reasons outside this program."""

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    OSError,
    TimeoutError,
    # What was prepared on the connection is about tables that are no longer those of then.
    asyncpg.InternalServerError,
    asyncpg.InvalidCachedStatementError,
)
"""After these the connection is gone or useless, and whether its last call was carried out may be unknown."""

_PASSING = (
    *CONNECTION_LOST,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.TooManyConnectionsError,
)

_UPGRADE = "Run: arvo store upgrade --store {address}"
_ADVICE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    (asyncpg.InvalidPasswordError, "refused the password of {user!r}", "Correct the password in the address"),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "refused the user {user!r}",
        "Create the user, or correct the user in the address (or the rules in the server's pg_hba.conf)",
    ),
    (
        asyncpg.InvalidCatalogNameError,
        "has no database {database!r}",
        "Create it (createdb {database}), or name another",
    ),
    (
        (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError),
        "has no tables of Arvo, or not those of this version",
        _UPGRADE,
    ),
    (
        asyncpg.InsufficientPrivilegeError,
        "does not allow this to {user!r}",
        "Grant it: to upgrade, CREATE on the database; to work, all privileges on the schema, its tables and functions",
    ),
    (asyncpg.DiskFullError, "has no disk space left", "Free some space; what was stored before is intact"),
    (asyncpg.TooManyConnectionsError, "has no connection left", "Raise max_connections, or run fewer workers"),
    (
        asyncpg.ReadOnlySQLTransactionError,
        "allows only reading: it is a standby",
        "Name the primary server in the address",
    ),
    (
        (asyncpg.CannotConnectNowError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError),
        "is starting or stopping",
        "Wait until it is up",
    ),
    (
        asyncpg.ObjectNotInPrerequisiteStateError,
        "holds other deliveries than those that were claimed, although nobody took the claim; nothing was stored",
        "Leave the tables of the store to Arvo while workers run",
    ),
    (TimeoutError, "did not answer in time", "Check its load, and the network between"),
    (ConnectionRefusedError, "cannot be reached: nothing listens there", "Start the server, or correct host and port"),
    (
        OSError,
        "cannot be reached",
        "Check that the server runs, and that host and port in the address are those it listens on",
    ),
    (
        (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError),
        "dropped the connection",
        "Check that the server runs; its log says why it dropped it",
    ),
)


def is_passing(error: BaseException) -> bool:
    """Tell whether the same call may succeed a moment later."""
    return isinstance(error, _PASSING)


def is_outage(error: BackendError) -> bool:
    """Tell whether a BackendError is about the server and not about what was asked of it."""
    return isinstance(error.__cause__, CONNECTION_LOST)


def backend_error(error: BaseException, address: Address) -> BackendError:
    """Return the BackendError for a failure of the server at `address`."""
    what, advice = "failed", "Its log may say more"
    for kinds, found, wise in _ADVICE:
        if isinstance(error, kinds):
            what, advice = found, wise
            break
    values = {"user": address.user, "database": address.database, "address": str(address)}
    details = address.scrubbed(str(error) or type(error).__name__)
    own = BackendError(
        f"The Postgres server of {address} {what.format_map(values)} ({details}). {advice.format_map(values)}."
    )
    own.__cause__ = error
    return own
