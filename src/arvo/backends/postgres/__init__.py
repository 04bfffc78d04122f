"""The store on a Postgres server: any number of workers on any number of machines. Needs the extra `postgres`."""

try:
    import asyncpg as _driver  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "The Postgres store needs asyncpg, which is not installed. Run: pip install 'arvo-event-handler[postgres]'",
        name="asyncpg",
    ) from error

from arvo.backends.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
