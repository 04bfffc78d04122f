"""What the RabbitMQ broker makes of servers that are not as it needs them: one clear line, and never a password."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aio_pika
import pytest

from arvo.backends.rabbitmq import RabbitBroker
from arvo.cli.brokers import broker_at
from arvo.errors import BackendError, DefinitionError
from arvo.ports import MessageRefused, OutgoingMessage
from tests.support.rabbitmq import RabbitServer, rabbitmq, running_rabbitmq

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["rabbitmq"]

WAIT = timedelta(seconds=5)


def message(id: str = "1", *, body: bytes = b"{}", headers: dict[str, str] | None = None) -> OutgoingMessage:
    return OutgoingMessage(
        address="com.a.b", event_id=id, subject="s", body=body, content_type="application/json", headers=headers or {}
    )


@pytest.fixture(scope="module")
def guarded() -> Generator[RabbitServer]:
    """A server that takes little, with a user who may declare nothing."""
    with running_rabbitmq("max_message_size = 300000") as server:
        server.control("add_user", "clerk", "s3cret/x")
        server.control("set_permissions", "clerk", "^$", ".*", ".*")
        yield server


async def refused(broker: RabbitBroker) -> str:
    with pytest.raises(BackendError) as caught:
        async with broker:
            pass
    assert "\n" not in caught.value.message
    assert "s3cret" not in caught.value.message
    return caught.value.message


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = await refused(RabbitBroker(f"amqp://arvo:s3cret%2Fx@127.0.0.1:{port}/"))
    assert f"amqp://127.0.0.1:{port}/ cannot be reached" in said
    assert "Start the server" in said


async def test_wrong_credentials(rabbitmq: RabbitServer) -> None:
    assert "refused the credentials" in await refused(RabbitBroker(rabbitmq.url("guest:s3cret")))


async def test_virtual_host_that_is_not_there(rabbitmq: RabbitServer) -> None:
    assert "virtual host" in await refused(RabbitBroker(rabbitmq.url(vhost="nowhere")))


async def test_user_who_may_not_declare(guarded: RabbitServer) -> None:
    said = await refused(RabbitBroker(guarded.url("clerk:s3cret%2Fx"), system="forbidden"))
    assert "does not allow this" in said
    assert "set_permissions" in said


async def test_user_who_may_not_declare_works_where_all_is_declared(guarded: RabbitServer) -> None:
    async with RabbitBroker(guarded.url(), system="declared") as owner, owner.consumer({"com.a.b": 1}):
        pass
    async with RabbitBroker(guarded.url("clerk:s3cret%2Fx"), system="declared") as clerk:
        await clerk.publish([message()])
        async with clerk.consumer({"com.a.b": 1}) as consumer:
            assert len(await consumer.receive(1, WAIT)) == 1


async def test_message_that_the_server_does_not_take_is_refused(guarded: RabbitServer) -> None:
    async with RabbitBroker(guarded.url(), system="limits") as broker:
        with pytest.raises(MessageRefused, match="max_message_size"):
            await broker.publish([message(body=b"x" * 400_000)])
        await broker.publish([message()])


async def test_headers_that_are_too_large_are_refused(rabbitmq: RabbitServer) -> None:
    async with RabbitBroker(rabbitmq.url(), system=rabbitmq.new_system()) as broker:
        with pytest.raises(MessageRefused, match="headers"):
            await broker.publish([message(headers={"x": "y" * 100_000})])
        with pytest.raises(MessageRefused, match="129 characters"):
            await broker.publish([message(headers={"x" * 129: "y"})])


async def test_full_queue_is_an_outage(rabbitmq: RabbitServer) -> None:
    system = rabbitmq.new_system()
    connection = await aio_pika.connect(rabbitmq.url())
    async with connection, connection.channel() as channel:
        limited: dict[str, Any] = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.declare_queue(f"{system}.to.com.a.b", durable=True, arguments=limited)
        async with RabbitBroker(rabbitmq.url(), system=system) as broker:
            with pytest.raises(BackendError, match="takes no more"):
                await broker.publish([message(str(number)) for number in range(50)])


async def test_queue_that_was_removed_is_declared_again(rabbitmq: RabbitServer) -> None:
    system = rabbitmq.new_system()
    connection = await aio_pika.connect(rabbitmq.url())
    async with connection, connection.channel() as channel, RabbitBroker(rabbitmq.url(), system=system) as broker:
        await broker.publish([message("1")])
        await channel.queue_delete(f"{system}.to.com.a.b")
        await broker.publish([message("2", body=b"2"), message("2", body=b"2")])
        async with broker.consumer({"com.a.b": 5}) as consumer:
            await asyncio.sleep(0.2)
            assert [one.body for one in await consumer.receive(5, WAIT)] == [b"2", b"2"]


async def test_what_a_stranger_sent_is_received_as_it_is(rabbitmq: RabbitServer) -> None:
    system = rabbitmq.new_system()
    connection = await aio_pika.connect(rabbitmq.url())
    async with RabbitBroker(rabbitmq.url(), system=system) as broker, broker.consumer({"com.a.b": 5}) as consumer:
        async with connection, connection.channel() as channel:
            garbage = aio_pika.Message(
                b"\xff\x00", headers={"number": 5, "bytes": bytearray(b"\xff"), "x-arvo-attempts": "many"}
            )
            await channel.default_exchange.publish(garbage, f"{system}.to.com.a.b")
        (taken,) = await consumer.receive(5, WAIT)
        assert (taken.body, taken.content_type, taken.attempt) == (b"\xff\x00", None, 1)
        assert taken.headers["number"] == "5"
        await consumer.dead(taken, "poison", "garbage")
    async with RabbitBroker(rabbitmq.url(), system=system) as later:
        assert [letter.body for letter in await later.dead_letters()] == [b"\xff\x00"]
        assert await later.dead_letters(limit=0) == []


async def test_what_the_server_gives_up_is_a_dead_letter(rabbitmq: RabbitServer) -> None:
    system = rabbitmq.new_system()
    async with RabbitBroker(rabbitmq.url(), system=system) as broker:
        async with broker.consumer({"com.a.b": 1}):
            pass
        connection = await aio_pika.connect(rabbitmq.url())
        await broker.publish([message()])
        async with connection, connection.channel() as channel:
            queue = await channel.get_queue(f"{system}.to.com.a.b", ensure=False)
            taken = await queue.get()
            assert taken is not None
            await taken.reject(requeue=False)
            async with asyncio.timeout(10):
                while not (letters := await broker.dead_letters()):
                    pass
    assert (letters[0].address, letters[0].reason) == ("com.a.b", "rejected")


async def test_short_delays_do_not_wait_for_long_ones(rabbitmq: RabbitServer) -> None:
    async with (
        RabbitBroker(rabbitmq.url(), system=rabbitmq.new_system()) as broker,
        broker.consumer({"com.a.b": 5}) as consumer,
    ):
        await broker.publish([message("1", body=b"long"), message("2", body=b"short")])
        long, short = await consumer.receive(5, WAIT)
        await consumer.retry(long, timedelta(seconds=30))
        await consumer.retry(short, timedelta(seconds=0.2))
        assert [one.body for one in await consumer.receive(5, WAIT)] == [b"short"]


async def test_retry_in_too_long_a_time_is_refused(rabbitmq: RabbitServer) -> None:
    async with (
        RabbitBroker(rabbitmq.url(), system=rabbitmq.new_system()) as broker,
        broker.consumer({"com.a.b": 5}) as consumer,
    ):
        await broker.publish([message()])
        (taken,) = await consumer.receive(1, WAIT)
        with pytest.raises(DefinitionError, match="24 days"):
            await consumer.retry(taken, timedelta(days=25))


@pytest.mark.parametrize("url", ["redis://localhost", "amqp://", "localhost:5672", "amqp://host:port"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(BackendError, match="Write amqp://"):
        RabbitBroker(url)


@pytest.mark.parametrize("system", ["", "a.b", "a b", "x" * 33])
def test_what_is_no_system(system: str) -> None:
    with pytest.raises(DefinitionError, match="cannot name queues"):
        RabbitBroker("amqp://localhost", system=system)


def test_settings_that_allow_nothing_are_refused() -> None:
    with pytest.raises(DefinitionError, match="keep_dead"):
        RabbitBroker("amqp://localhost", keep_dead=timedelta(0))
    with pytest.raises(DefinitionError, match="largest_message"):
        RabbitBroker("amqp://localhost", largest_message=1000)


@pytest.mark.parametrize("url", ["amqp://localhost", "amqps://user:secret@host:5671/shop"])
def test_command_line_knows_it_by_its_schemes(url: str) -> None:
    assert isinstance(broker_at(url), RabbitBroker)
