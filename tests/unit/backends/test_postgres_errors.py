"""Whatever is wrong with a Postgres server, the operator reads what it is and what to do, and never the password."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import pytest

from arvo.backends.postgres import PostgresStore
from arvo.backends.postgres.address import Address
from arvo.backends.postgres.diagnosis import backend_error, is_outage, is_passing
from arvo.backends.postgres.schema import migrations
from arvo.errors import BackendError
from tests.support.postgres import postgres
from tests.unit.backends.store_scene import delivery

if TYPE_CHECKING:
    from tests.support.postgres import PostgresServer

__all__ = ["postgres"]

WRONG = "hunter2"
SCHEMAS = (f"errors_{number}" for number in itertools.count())
ADDRESS = Address("postgresql://shop:s%20cret@db.example.com:5433/orders?sslmode=disable")


async def failure_of_using(store: PostgresStore) -> str:
    with pytest.raises(BackendError) as caught:
        await store.publish([delivery("a")])
    await store.close()
    return str(caught.value)


async def run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def set_version(schema: str, version: int) -> str:
    return f"UPDATE {schema}.arvo_schema SET version = {version}"  # noqa: S608


async def test_a_server_that_is_not_there_is_named(postgres: PostgresServer) -> None:
    url = postgres.url().replace(f":{postgres.port}/", ":1/")

    message = await failure_of_using(PostgresStore(url))

    assert "postgresql://arvo@127.0.0.1:1/postgres cannot be reached: nothing listens there" in message
    assert "Start the server, or correct host and port" in message


async def test_a_wrong_password_is_said_and_not_shown(postgres: PostgresServer) -> None:
    message = await failure_of_using(PostgresStore(postgres.url(password=WRONG)))

    assert "refused the password of 'arvo'" in message
    assert WRONG not in message


async def test_an_unknown_user_is_named(postgres: PostgresServer) -> None:
    message = await failure_of_using(PostgresStore(postgres.url().replace("arvo:", "nobody-knows:")))

    assert "refused the password of 'nobody-knows'" in message


async def test_a_missing_database_is_named(postgres: PostgresServer) -> None:
    message = await failure_of_using(PostgresStore(postgres.url("not_there")))

    assert "has no database 'not_there'" in message
    assert "createdb not_there" in message


async def test_missing_tables_are_named_with_the_command_that_makes_them(postgres: PostgresServer) -> None:
    message = await failure_of_using(PostgresStore(postgres.url(), schema=next(SCHEMAS)))

    assert "has no tables of Arvo" in message
    assert f"Run: arvo store upgrade --store postgresql://arvo@127.0.0.1:{postgres.port}/postgres" in message


async def test_older_tables_are_refused_until_they_are_upgraded(postgres: PostgresServer) -> None:
    schema = next(SCHEMAS)
    store = PostgresStore(postgres.url(), schema=schema)
    await store.upgrade()
    await run(postgres.url(), set_version(schema, 1))

    message = await failure_of_using(store)

    assert f"has version 1 of Arvo's tables, and this Arvo needs version {len(migrations())}" in message


async def test_newer_tables_are_refused_by_use_and_by_upgrade(postgres: PostgresServer) -> None:
    schema = next(SCHEMAS)
    store = PostgresStore(postgres.url(), schema=schema)
    await store.upgrade()
    await run(postgres.url(), set_version(schema, 99))

    with pytest.raises(BackendError, match=f"version 99, this one knows up to {len(migrations())}"):
        await store.upgrade()
    assert "made by a newer Arvo" in await failure_of_using(store)


async def test_an_entered_store_that_cannot_be_used_is_closed(postgres: PostgresServer) -> None:
    store = PostgresStore(postgres.url(), schema=next(SCHEMAS))

    with pytest.raises(BackendError, match="has no tables of Arvo"):
        async with store:
            pass
    with pytest.raises(BackendError, match="is closed"):
        await store.upgrade()


async def test_tables_that_vanish_under_a_store_are_noticed(postgres: PostgresServer) -> None:
    schema = next(SCHEMAS)
    store = PostgresStore(postgres.url(), schema=schema)
    await store.upgrade()
    await store.publish([delivery("a")])
    await run(postgres.url(), f"DROP SCHEMA {schema} CASCADE")

    assert "arvo store upgrade" in await failure_of_using(store)


async def test_a_user_without_rights_is_told_which(postgres: PostgresServer) -> None:
    schema = next(SCHEMAS)
    owner = PostgresStore(postgres.url(), schema=schema)
    await owner.upgrade()
    await owner.close()
    await run(postgres.url(), f"CREATE USER guest PASSWORD 'guest'; GRANT USAGE ON SCHEMA {schema} TO guest")
    url = postgres.url().replace("arvo:", "guest:").replace(postgres.password, "guest")

    message = await failure_of_using(PostgresStore(url, schema=schema))
    upgrading = PostgresStore(url, schema=next(SCHEMAS))
    with pytest.raises(BackendError, match=r"does not allow this to 'guest' .* CREATE on the database"):
        await upgrading.upgrade()
    await upgrading.close()

    assert "does not allow this to 'guest'" in message


async def test_one_call_that_cannot_be_stored_does_not_harm_others(postgres: PostgresServer) -> None:
    async with await upgraded(postgres) as store:
        unstorable = replace(delivery("b"), handler="with\0NUL")

        first, failure, last = await asyncio.gather(
            store.publish([delivery("a")]),
            store.publish([unstorable]),
            store.publish([delivery("c")]),
            return_exceptions=True,
        )

        assert (first, last) == (1, 1)
        assert isinstance(failure, BackendError)
        assert isinstance(failure.__cause__, asyncpg.CharacterNotInRepertoireError)


async def upgraded(server: PostgresServer) -> PostgresStore:
    store = PostgresStore(server.url(), schema=next(SCHEMAS))
    await store.upgrade()
    return store


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://h/d", "mysql://h/d", "orders.db", "postgresql://h:port/d", "postgresql://[::1/d"]
)
def test_what_is_no_address_of_a_database_is_refused(url: str) -> None:
    with pytest.raises(BackendError, match="is not the start of the address of a Postgres database"):
        PostgresStore(url)


def test_an_address_is_shown_without_password_and_options() -> None:
    assert str(ADDRESS) == "postgresql://shop@db.example.com:5433/orders"
    assert "cret" not in repr(ADDRESS) + repr(PostgresStore(ADDRESS.url))
    assert (ADDRESS.user, ADDRESS.database) == ("shop", "orders")
    assert Address("postgres://shop@h").database == "shop"
    assert str(Address("postgresql:///orders")) == "postgresql:///orders"
    assert ADDRESS.scrubbed("s cret, s%20cret and more") == "***, *** and more"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (asyncpg.DiskFullError("could not extend file"), "has no disk space left .* Free some space"),
        (asyncpg.TooManyConnectionsError("too many clients"), "has no connection left .* Raise max_connections"),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), "is a standby .* Name the primary server"),
        (asyncpg.CannotConnectNowError("the system is starting up"), "is starting or stopping .* Wait until it is up"),
        (asyncpg.InvalidAuthorizationSpecificationError("no pg_hba entry"), "refused the user 'shop' .*pg_hba"),
        (
            asyncpg.ObjectNotInPrerequisiteStateError("1 of 1"),
            "nothing was stored .* Leave the tables of the store to Arvo",
        ),
        (asyncpg.ConnectionDoesNotExistError("closed"), "dropped the connection .* its log says why"),
        (TimeoutError(), r"did not answer in time \(TimeoutError\)"),
        (OSError("Name or service not known"), "cannot be reached .* host and port"),
        (asyncpg.UniqueViolationError("duplicate"), r"failed \(duplicate\)\. Its log may say more"),
    ],
)
def test_every_kind_of_failure_comes_with_advice(error: Exception, advice: str) -> None:
    own = backend_error(error, ADDRESS)

    assert own.__cause__ is error
    assert str(own).startswith("The Postgres server of postgresql://shop@db.example.com:5433/orders ")
    with pytest.raises(BackendError, match=advice):
        raise own


def test_only_what_may_pass_is_tried_again() -> None:
    assert is_passing(asyncpg.DeadlockDetectedError("x"))
    assert is_passing(ConnectionRefusedError())
    assert not is_passing(asyncpg.InvalidPasswordError("x"))
    assert is_outage(backend_error(TimeoutError(), ADDRESS))
    assert not is_outage(backend_error(asyncpg.ObjectNotInPrerequisiteStateError("x"), ADDRESS))


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("arvo.backends.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(ModuleNotFoundError, match=r"pip install 'arvo-event-handler\[postgres\]'"):
        importlib.import_module("arvo.backends.postgres")
