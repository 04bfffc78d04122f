"""What the NATS broker makes of servers that are not as it needs them: one clear line, and never a password."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import nats as driver
import pytest
from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig

from arvo.backends.nats import NatsBroker
from arvo.errors import BackendError, DefinitionError
from arvo.ports import MessageRefused, OutgoingMessage
from tests.support.nats import NatsServer, nats, running_nats

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

__all__ = ["nats"]

WAIT = timedelta(seconds=5)
USERS = """
    max_payload: 300KB
    authorization { users: [
        { user: arvo, password: "s3cret/x" }
        { user: guest, password: "s3cret/x", permissions: { publish: { deny: [
            "$JS.API.STREAM.CREATE.>", "$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.DURABLE.>"
        ] } } }
    ] }
"""


def message(id: str = "1", *, body: bytes = b"{}", headers: dict[str, str] | None = None) -> OutgoingMessage:
    return OutgoingMessage(
        address="com.a.b", event_id=id, subject="s", body=body, content_type="application/json", headers=headers or {}
    )


@pytest.fixture(scope="module")
def guarded() -> Generator[NatsServer]:
    with running_nats(USERS) as server:
        yield server


@pytest.fixture
async def jetstream(nats: NatsServer) -> AsyncGenerator[Any]:
    client: Any = await driver.connect(nats.url())  # pyright: ignore[reportUnknownMemberType]
    yield client.jetstream()
    await client.close()


async def refused(broker: NatsBroker) -> str:
    with pytest.raises(BackendError) as caught:
        async with broker:
            pass
    assert "\n" not in caught.value.message
    assert "s3cret" not in caught.value.message
    return caught.value.message


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = await refused(NatsBroker(f"nats://arvo:s3cret%2Fx@127.0.0.1:{port}"))
    assert f"nats://127.0.0.1:{port}" in said
    assert "Start the server" in said


async def test_several_servers_are_all_tried(nats: NatsServer) -> None:
    async with NatsBroker(f"nats://127.0.0.1:1,{nats.url()}", system=nats.new_system()) as broker:
        await broker.publish([message()])


@pytest.mark.parametrize("credentials", ["arvo:s3cret", "", "s3cret-token"])
async def test_wrong_credentials(guarded: NatsServer, credentials: str) -> None:
    said = await refused(NatsBroker(guarded.url(credentials)))
    assert "refused the credentials" in said


async def test_user_who_may_not_declare(guarded: NatsServer) -> None:
    said = await refused(NatsBroker(guarded.url("guest:s3cret%2Fx"), system="forbidden"))
    assert "does not allow this to 'guest'" in said
    assert "declare the streams" in said


async def test_user_who_may_not_declare_works_where_all_is_declared(guarded: NatsServer) -> None:
    async with NatsBroker(guarded.url("arvo:s3cret%2Fx"), system="declared") as owner:
        async with owner.consumer({"com.a.b": 1}):
            pass
        async with NatsBroker(guarded.url("guest:s3cret%2Fx"), system="declared") as guest:
            await guest.publish([message()])
            async with guest.consumer({"com.a.b": 1}) as consumer:
                assert len(await consumer.receive(1, WAIT)) == 1


@pytest.mark.parametrize("url", ["redis://localhost", "nats://", "localhost:4222", "nats://host:port", " , "])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BackendError, match="Write nats://"):
        NatsBroker(url)


@pytest.mark.parametrize("system", ["", "a.b", "a b", "x" * 33, "a>"])
def test_what_is_no_system(system: str) -> None:
    with pytest.raises(DefinitionError, match="cannot name streams"):
        NatsBroker("nats://localhost", system=system)


def test_times_must_be_some() -> None:
    with pytest.raises(DefinitionError, match="hold"):
        NatsBroker("nats://localhost", hold=timedelta(0))


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"subjects": ["other.>"]}, "does not take the subjects"),
        ({"retention": RetentionPolicy.INTEREST}, "drops what nobody consumes yet"),
        ({"max_msgs": 10}, "drops old messages"),
        ({"no_ack": True}, "confirms nothing"),
    ],
)
async def test_stream_that_differs(nats: NatsServer, jetstream: Any, differs: dict[str, Any], said: str) -> None:
    system = nats.new_system()
    config: dict[str, Any] = {"name": system, "subjects": [f"{system}.event.>"], **differs}
    await jetstream.add_stream(StreamConfig(**config))
    message = await refused(NatsBroker(nats.url(), system=system))
    assert said in message
    assert repr(system) in message


@pytest.mark.parametrize(
    ("differs", "said"),
    [
        ({"max_deliver": 3}, "forgets messages after 3"),
        ({"filter_subject": None}, "it is for"),
        ({"deliver_subject": "push.here"}, "pushes messages"),
    ],
)
async def test_consumer_that_differs(nats: NatsServer, jetstream: Any, differs: dict[str, Any], said: str) -> None:
    system = nats.new_system()
    async with NatsBroker(nats.url(), system=system) as broker:
        config: dict[str, Any] = {"durable_name": "com_a_b", "filter_subject": f"{system}.event.com.a.b", **differs}
        await jetstream.add_consumer(system, ConsumerConfig(**config))
        with pytest.raises(BackendError, match=said):
            await broker.consumer({"com.a.b": 1}).__aenter__()


async def test_settings_of_what_is_there_are_kept(nats: NatsServer) -> None:
    system = nats.new_system()
    async with (
        NatsBroker(
            nats.url(), system=system, hold=timedelta(seconds=7), duplicate_window=timedelta(seconds=50)
        ) as first,
        first.consumer({"com.a.b": 1}),
    ):
        pass
    async with NatsBroker(nats.url(), system=system) as second, second.consumer({"com.a.b": 1}) as consumer:
        assert consumer.hold == timedelta(seconds=7)
        assert second.promises.duplicate_window == timedelta(seconds=50)


async def test_stream_that_was_removed_is_declared_again(nats: NatsServer, jetstream: Any) -> None:
    system = nats.new_system()
    async with NatsBroker(nats.url(), system=system) as broker, broker.consumer({"com.a.b": 1}) as consumer:
        await jetstream.delete_stream(system)
        await broker.publish([message()])
        async with asyncio.timeout(30):
            while not (taken := await consumer.receive(1, WAIT)):
                pass
        assert taken[0].body == b"{}"


async def test_full_stream_is_an_outage(nats: NatsServer, jetstream: Any) -> None:
    system = nats.new_system()
    async with NatsBroker(nats.url(), system=system) as broker:
        config = (await jetstream.stream_info(system)).config
        config.max_msgs = 1
        await jetstream.update_stream(config)
        await broker.publish([message("1")])
        with pytest.raises(BackendError, match="takes no more"):
            await broker.publish([message("2")])


async def test_small_limit_of_the_server_is_told_at_once() -> None:
    with running_nats("max_payload: 1000") as server:
        assert "max_payload" in await refused(NatsBroker(server.url()))


async def test_limit_of_the_server_is_promised(guarded: NatsServer) -> None:
    async with NatsBroker(guarded.url("arvo:s3cret%2Fx"), system="limits") as broker:
        assert 256 * 1024 <= broker.promises.largest_message < 300_000
        with pytest.raises(MessageRefused, match="headers"):
            await broker.publish([message(headers={"x": "y" * 20_000})])
        with pytest.raises(MessageRefused, match="300000 bytes"):
            await broker.publish([message(body=b"x" * 300_000)])
        await broker.publish([message()])


async def test_limit_of_the_stream_is_promised_and_refuses(nats: NatsServer, jetstream: Any) -> None:
    system = nats.new_system()
    async with NatsBroker(nats.url(), system=system) as broker:
        config = (await jetstream.stream_info(system)).config
        config.max_msg_size = 500_000
        await jetstream.update_stream(config)
        with pytest.raises(MessageRefused, match="max_msg_size"):
            await broker.publish([message(body=b"x" * 600_000)])
        async with NatsBroker(nats.url(), system=system) as later:
            assert later.promises.largest_message < 500_000


async def test_message_id_is_the_id_of_the_event(nats: NatsServer, jetstream: Any) -> None:
    system = nats.new_system()
    async with NatsBroker(nats.url(), system=system) as broker:
        await broker.publish([message("an id / 1")])
    stored = await jetstream.get_msg(system, 1)
    assert stored.headers["Nats-Msg-Id"] == "an%20id%20/%201"
    assert stored.subject == f"{system}.event.com.a.b"


async def test_server_without_jetstream() -> None:
    with running_nats("jetstream: disabled") as server:
        assert "JetStream" in await refused(NatsBroker(server.url()))
