"""The Postgres store among restarts, lost answers and other processes; its promises are in `tests/conformance`."""

from __future__ import annotations

import asyncio
import itertools
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from arvo.backends.postgres import PostgresStore
from arvo.backends.postgres.link import Link
from arvo.backends.postgres.schema import migrations
from arvo.errors import BackendError
from arvo.ports.store import FinishOutcome, SchemaUpgrade
from tests.support.postgres import running_postgres
from tests.unit.backends.store_scene import HANDLER, claim, consumed, delivery

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from tests.support.postgres import PostgresServer

SCHEMAS = (f"store_{number}" for number in itertools.count())
LONG = timedelta(seconds=60)


@pytest.fixture(scope="module")
def server() -> Generator[PostgresServer]:
    """A server of its own, to be stopped and started."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def store(server: PostgresServer) -> AsyncGenerator[PostgresStore]:
    store = PostgresStore(server.url(), schema=next(SCHEMAS))
    await store.upgrade()
    async with store:
        yield store


def schema_of(store: PostgresStore) -> str:
    return store._server.schema  # pyright: ignore[reportPrivateUsage]


def peer_of(store: PostgresStore, server: PostgresServer) -> PostgresStore:
    return PostgresStore(server.url(), schema=schema_of(store))


async def connections_of(server: PostgresServer, what: str) -> Any:
    connection = await asyncpg.connect(server.url())
    query = f"SELECT {what} FROM pg_stat_activity WHERE application_name = 'arvo'"  # noqa: S608
    found = await connection.fetch(query)
    await connection.close()
    return found


async def test_an_upgrade_tells_the_versions_before_and_after(server: PostgresServer) -> None:
    store = PostgresStore(server.url(), schema=next(SCHEMAS))

    assert await store.upgrade() == SchemaUpgrade(before=0, after=len(migrations()))
    assert await store.upgrade() == SchemaUpgrade(before=len(migrations()), after=len(migrations()))
    await store.close()


async def test_processes_that_upgrade_together_do_it_once(server: PostgresServer) -> None:
    schema = next(SCHEMAS)
    stores = [PostgresStore(server.url(), schema=schema) for _ in range(6)]

    upgrades = await asyncio.gather(*(store.upgrade() for store in stores))

    assert sorted(upgrade.before for upgrade in upgrades) == [0] + [len(migrations())] * 5
    for store in stores:
        await store.close()


async def test_a_schema_may_have_any_name(server: PostgresServer) -> None:
    store = PostgresStore(server.url(), schema='o"dd; DROP')
    with pytest.raises(BackendError, match="no tables of Arvo"):
        await store.queues()
    await store.close()


async def test_what_was_promised_survives_a_power_cut(server: PostgresServer, store: PostgresStore) -> None:
    await store.publish([delivery(str(number)) for number in range(20)])
    claims = await claim(store)
    await store.finish([consumed(one) for one in claims[:10]])

    server.crash()
    server.start()

    again = await store.finish([consumed(one) for one in claims[:10]])
    assert set(again) == {FinishOutcome.FENCED}
    (queue,) = await store.queues()
    assert queue.deliveries == 10


async def test_a_store_goes_on_with_its_server_after_a_restart(server: PostgresServer, store: PostgresStore) -> None:
    await store.publish([delivery("before")])
    await store.wait_for_work([HANDLER], timedelta(seconds=1))
    server.stop()
    with pytest.raises(BackendError, match="cannot be reached"):
        await store.publish([delivery("meanwhile")])
    with pytest.raises(BackendError, match="cannot be reached"):
        await claim(store)
    server.start()

    await store.publish([delivery("after")])

    found = sorted(one.deliveries[0].event().id for one in await claim(store))
    assert found == ["after", "before"]


async def test_calls_under_way_outlive_a_restart(server: PostgresServer, store: PostgresStore) -> None:
    lost: list[str] = []

    async def publish(number: int) -> None:
        while True:
            try:
                await store.publish([delivery(str(number))])
            except BackendError:
                lost.append(str(number))
                await asyncio.sleep(0.05)
            else:
                return

    publishing = asyncio.gather(*(publish(number) for number in range(50)))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(server.crash)
    await asyncio.to_thread(server.start)
    async with asyncio.timeout(20):
        await publishing

    assert len(await claim(store)) == 50


async def test_a_claim_whose_answer_was_lost_is_made_again_at_once(store: PostgresStore) -> None:
    await store.publish([delivery("a")])
    async with LostAnswer(store, "claim("):
        (found,) = await claim(store)

    assert found.attempts == 1
    assert list(await store.finish([consumed(found)])) == [FinishOutcome.COMMITTED]


async def test_a_publish_whose_answer_was_lost_is_stored_once(store: PostgresStore) -> None:
    async with LostAnswer(store, "publish("):
        await store.publish([delivery("a"), delivery("b")])

    assert len(await claim(store)) == 2


async def test_a_finish_whose_answer_was_lost_happened_once(store: PostgresStore) -> None:
    await store.publish([delivery("a")])
    (found,) = await claim(store)
    async with LostAnswer(store, "finish("):
        (outcome,) = await store.finish([consumed(found, delivery("b"))])

    assert outcome is FinishOutcome.FENCED
    assert [one.deliveries[0].event().id for one in await claim(store)] == ["b"]


class LostAnswer:
    """Cuts the connection once, when the server has carried out a call and before its answer arrives."""

    def __init__(self, store: PostgresStore, call: str) -> None:
        self.store = store
        self.call = call
        self.cut = False

    async def __aenter__(self) -> None:
        fetch = asyncpg.Connection.fetch

        async def losing(connection: asyncpg.Connection[Any], statement: str, *values: Any, **options: Any) -> Any:
            rows = await fetch(connection, statement, *values, **options)
            if self.call in statement and not self.cut:
                self.cut = True
                connection.terminate()
                raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
            return rows

        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(asyncpg.Connection, "fetch", losing)

    async def __aexit__(self, *_: object) -> None:
        self.patch.undo()
        assert self.cut


async def test_work_of_another_process_is_heard_of_sooner_than_polled(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arvo.backends.postgres.store._POLL_SECONDS", 60)
    peer = peer_of(store, server)
    waiting = asyncio.ensure_future(store.wait_for_work([HANDLER], LONG))
    await asyncio.sleep(0.3)

    await peer.publish([delivery("a")])
    async with asyncio.timeout(5):
        await waiting

    claimed = await claim(store)
    waiting = asyncio.ensure_future(store.wait_for_work([HANDLER], LONG))
    await asyncio.sleep(0.3)
    await peer.publish([delivery("other", "elsewhere")])
    async with asyncio.timeout(5):
        await waiting
    await peer.finish([consumed(one, delivery("produced")) for one in claimed])
    await peer.close()


async def test_without_notifications_the_poll_finds_new_work(
    server: PostgresServer, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def cannot_listen(*_: object) -> None:
        raise asyncpg.InterfaceError("no notifications here")

    monkeypatch.setattr(asyncpg.Connection, "add_listener", cannot_listen)
    monkeypatch.setattr("arvo.backends.postgres.store._POLL_SECONDS", 0.1)
    peer = peer_of(store, server)
    await peer.publish([delivery("a")])

    with caplog.at_level(logging.WARNING, "arvo"):
        async with asyncio.timeout(5):
            await store.wait_for_work([HANDLER], LONG)
            await store.wait_for_work([HANDLER], LONG)

    assert len(await claim(store)) == 1
    assert [record.getMessage() for record in caplog.records] == [
        "This worker hears of new work a little later: no notifications here"
    ]
    await peer.close()


async def test_announcements_that_cannot_be_sent_are_logged_and_tolerated(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fetch = Link.fetch

    async def cannot_send_notifications(link: Link, statement: str, *values: Any, **options: Any) -> Any:
        if "pg_notify" in statement:
            raise BackendError("no notifications here")
        return await fetch(link, statement, *values, **options)

    with caplog.at_level(logging.WARNING, "arvo"):
        monkeypatch.setattr(Link, "fetch", cannot_send_notifications)
        await store.publish([delivery("a")])
        await asyncio.sleep(0.05)
        monkeypatch.undo()

    assert "Other workers will hear of new work a little later" in caplog.text
    assert len(await claim(store)) == 1


async def test_a_listener_that_was_cut_off_listens_again(server: PostgresServer, store: PostgresStore) -> None:
    await store.wait_for_work([HANDLER], timedelta(0))
    await connections_of(server, "pg_terminate_backend(pid)")
    await asyncio.sleep(0.1)

    waiting = asyncio.ensure_future(store.wait_for_work([HANDLER], LONG))
    await asyncio.sleep(0.3)
    peer = peer_of(store, server)
    await peer.publish([delivery("a")])
    async with asyncio.timeout(5):
        await waiting
    await peer.close()


async def test_a_closed_store_leaves_no_connection(server: PostgresServer, store: PostgresStore) -> None:
    await store.publish([delivery("a")])
    await store.finish([consumed(one) for one in await claim(store)])
    await store.wait_for_work([HANDLER], timedelta(0))
    assert len(await connections_of(server, "pid")) >= 4

    await store.close()
    await asyncio.sleep(0.2)

    assert [row["state"] for row in await connections_of(server, "state")] == []


async def test_many_lanes_are_claimed_and_finished_at_once(store: PostgresStore) -> None:
    assert await store.publish([delivery(str(number)) for number in range(333)]) == 333
    claims = await store.claim("worker-1", {HANDLER: 1000}, lanes=1000, deliveries_per_lane=1, lease=LONG)
    assert len(claims) == 333

    outcomes = await asyncio.gather(
        *(store.finish([consumed(one, delivery(f"next-{place}"))]) for place, one in enumerate(claims))
    )

    assert outcomes == [[FinishOutcome.COMMITTED]] * 333
    (queue,) = await store.queues()
    assert (queue.ready, queue.leased, queue.deliveries) == (333, 0, 333)


async def test_what_vanished_from_the_tables_fails_its_own_finish_alone(
    server: PostgresServer, store: PostgresStore
) -> None:
    await store.publish([delivery("a"), delivery("b")])
    first, second = await claim(store)
    connection = await asyncpg.connect(server.url(), server_settings={"search_path": schema_of(store)})
    await connection.execute("DELETE FROM deliveries WHERE number = $1", first.deliveries[0].number)
    await connection.close()

    vanished, outcomes = await asyncio.gather(
        store.finish([consumed(first, delivery("c"))]), store.finish([consumed(second)]), return_exceptions=True
    )

    assert isinstance(vanished, BackendError)
    assert "1 of 1 deliveries that were finished are no longer in the store" in str(vanished)
    assert outcomes == [FinishOutcome.COMMITTED]


async def test_nothing_published_and_nothing_finished_is_nothing_done(store: PostgresStore) -> None:
    assert await store.publish([]) == 0
    assert await store.finish([]) == []
    assert await store.publish([], once="tick") == 0
