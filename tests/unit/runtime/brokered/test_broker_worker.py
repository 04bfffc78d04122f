"""Apps on a broker: what is taken in, what leaves, what is given up, and how they bear with what fails."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.backends.memory import InMemoryBroker, InMemoryMachineMemory, InMemoryStore
from arvo.contracts import Payload, SimpleContract
from arvo.errors import BackendError, DefinitionError, ExecutionViolation
from arvo.events import Event, delayed
from arvo.handlers import Emit, Handler, HandlerContext
from arvo.ports import OutgoingMessage
from arvo.runtime import App, RetryPolicy, Subscription
from arvo.runtime.brokered import BrokerWorker
from arvo.runtime.brokered.outbox import message_of
from tests.integration.order_system import an_order, card, place_order, shipping, stock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

CALLER = "com.web.shop"


class Ask(Payload):
    name: str


class Told(Payload):
    name: str


contract = SimpleContract("name.tell", uri="#/services/name.tell")
tell_v1 = contract.version("1.0.0", accepts=Ask, emits=Told)
elsewhere = SimpleContract("name.other", uri="#/services/name.other")
other_v1 = elsewhere.version("1.0.0", accepts=Ask, emits=Told)


class Service:
    """A handler that does what names tell it, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failures = 0
        self.handler = Handler(contract)
        self.handler.on(tell_v1)(self.tell)

    async def tell(self, event: Event[Ask], _: HandlerContext) -> Told | Emit[Told]:
        name = event.data.name
        self.asked.append(name)
        if name == "fails" or (name == "fails twice" and self.asked.count(name) < 3):
            raise ExecutionViolation("told to")
        if name == "domain":
            return Emit(Told(name=name), domain=["human.inbox"])
        if name == "late":
            return Emit(Told(name=name), deliver_after=timedelta(milliseconds=300))
        if name == "huge":
            return Told(name="x" * 2_000_000)
        await asyncio.sleep(0)
        return Told(name=name)

    def app(self) -> App:
        retry = RetryPolicy(attempts=3, initial_delay=timedelta(milliseconds=5))
        return App(handlers=[Subscription(self.handler, retry=retry)])


def ask(name: str, **changes: Any) -> Event[Ask]:
    return tell_v1.request(Ask(name=name), source=CALLER, **changes)


def raw(body: bytes, *, address: str = "com.name.tell", content_type: str = "application/json") -> OutgoingMessage:
    return OutgoingMessage(address=address, event_id=str(hash(body)), subject="s", body=body, content_type=content_type)


@asynccontextmanager
async def running(worker: BrokerWorker) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def received(broker: InMemoryBroker, count: int, *addresses: str) -> list[Event[Any]]:
    """What has arrived for others."""
    found: list[Event[Any]] = []
    async with asyncio.timeout(20), broker.consumer(dict.fromkeys(addresses or (CALLER,), 100)) as consumer:
        while len(found) < count:
            messages = await consumer.receive(100, timedelta(seconds=1))
            found += [Event.from_json(message.body) for message in messages]
            await consumer.ack(messages)
    return found


@pytest.fixture
async def broker() -> AsyncGenerator[InMemoryBroker]:
    async with InMemoryBroker(hold=timedelta(seconds=1)) as broker:
        yield broker


@pytest.fixture(params=[True, False], ids=["store", "direct"])
async def store(request: pytest.FixtureRequest) -> AsyncGenerator[InMemoryStore | None]:
    if not request.param:
        yield None
        return
    async with InMemoryStore() as store:
        yield store


async def test_request_is_answered_over_the_broker(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    requests = [ask(str(number)) for number in range(50)]
    worker = BrokerWorker(Service().app(), broker, store=store)
    async with running(worker):
        await broker.publish([message_of(request) for request in requests])
        answers = await received(broker, 50)
    assert {(answer.parentid, answer.data["name"]) for answer in answers} == {
        (request.id, request.data.name) for request in requests
    }
    assert "com.name.tell" in worker.serves
    assert not await broker.dead_letters()


async def test_binary_mode_is_read_and_written(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    async with running(BrokerWorker(Service().app(), broker, store=store, binary=True)):
        await broker.publish([message_of(ask("a"), binary=True)])
        async with broker.consumer({CALLER: 1}) as consumer:
            (answer,) = await consumer.receive(1, timedelta(seconds=10))
    assert json.loads(answer.body) == {"name": "a"}
    assert answer.headers["ce-type"] == "evt.name.tell.success"


async def test_redelivered_event_has_no_second_effect(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    request = ask("a")
    async with running(BrokerWorker(Service().app(), broker, store=store)):
        await broker.publish([message_of(request)])
        first = await received(broker, 1)
        # Under another id of its message, as if the broker had forgotten it.
        wire = message_of(request)
        await broker.publish([raw(wire.body)])
        await broker.publish([message_of(ask("b"))])
        assert [answer.data["name"] for answer in await received(broker, 1)] == ["b"]
    assert first[0].data["name"] == "a"


async def test_failing_handler_is_tried_again(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    service = Service()
    async with running(BrokerWorker(service.app(), broker, store=store)):
        await broker.publish([message_of(ask("fails twice"))])
        assert [answer.data["name"] for answer in await received(broker, 1)] == ["fails twice"]
    assert service.asked == ["fails twice"] * 3


async def test_exhausted_event_is_a_dead_letter(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    service, seen = Service(), list[str]()
    app = service.app()

    @app.on_dead_letter
    async def note(letter: Any) -> None:
        seen.append(letter.reason.value)

    worker = BrokerWorker(app, broker, store=store)
    async with running(worker):
        await broker.publish([message_of(ask("fails")), message_of(ask("good"))])
        await received(broker, 1)
        await until(lambda: bool(seen))
    assert seen == ["exhausted"]
    assert worker.report.dead_letters == 1
    if store is None:
        (letter,) = await broker.dead_letters()
        assert (letter.reason, letter.attempts) == ("exhausted", 3)
    else:
        (stored,) = await store.dead_letters()
        assert stored.letter.reason == "exhausted"


async def test_garbage_is_given_up_with_its_reason(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    unknown = Event(type="com.other.thing", source="s", subject="x", data={"a": 1})
    too_late = ask("a").replace(extensions={"deliverafter": "soon"})
    async with running(BrokerWorker(Service().app(), broker, store=store)):
        await broker.publish(
            [
                raw(b"garbage"),
                raw(unknown.to_json()),
                raw(b"{}", content_type="application/cloudevents+avro"),
                message_of(too_late),
                message_of(ask("good")),
            ]
        )
        await received(broker, 1)
        letters = await broker.dead_letters()
    assert [letter.reason for letter in letters] == ["poison", "unroutable", "poison", "poison"]
    assert "not JSON" in letters[0].detail
    assert "com.other.thing" in letters[1].detail


async def test_foreign_event_is_routed_by_its_type(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    foreign = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.name.tell", "data": {"name": "foreign"}}
    async with running(BrokerWorker(Service().app(), broker, store=store)):
        await broker.publish([raw(json.dumps(foreign).encode(), content_type="application/cloudevents+json")])
        (answer,) = await received(broker, 1, "/shop")
    assert answer.data["name"] == "foreign"
    assert answer.subject == "/shop#1"


async def test_late_events_are_held_back_at_both_ends(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    service = Service()
    loop = asyncio.get_running_loop()
    async with running(BrokerWorker(service.app(), broker, store=store)):
        started = loop.time()
        late = delayed(ask("a"), timedelta(milliseconds=300))
        await broker.publish([message_of(late)])
        await received(broker, 1)
        assert loop.time() - started > 0.25
    assert service.asked == ["a"]


async def test_broker_that_goes_away_is_waited_for(
    broker: InMemoryBroker, store: InMemoryStore | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(BrokerWorker(Service().app(), broker, store=store)):
        await asyncio.sleep(0.05)
        await broker.publish([message_of(ask(str(number))) for number in range(20)])
        broker.away = True
        await asyncio.sleep(0.3)
        broker.away = False
        answers = await received(broker, 20)
    assert len({answer.parentid for answer in answers}) == 20
    assert "The broker is away" in caplog.text


async def test_output_that_the_broker_refuses_is_a_dead_letter(
    broker: InMemoryBroker, store: InMemoryStore | None
) -> None:
    async with running(BrokerWorker(Service().app(), broker, store=store)):
        await broker.publish([message_of(ask("huge")), message_of(ask("good"))])
        await received(broker, 1)
        if store is None:
            await until(lambda: bool(broker._dead))  # pyright: ignore[reportPrivateUsage]
            (letter,) = await broker.dead_letters()
            assert letter.reason == "poison"
        else:
            async with asyncio.timeout(10):
                while not (letters := await store.dead_letters()):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert letters[0].letter.reason == "poison"
            assert letters[0].letter.handler == "outbox to elsewhere"


async def test_caller_of_the_same_store_finds_the_answer_there(broker: InMemoryBroker) -> None:
    request, found = ask("a"), list[Any]()
    async with (
        InMemoryStore() as store,
        running(BrokerWorker(Service().app(), broker, store=store, callers=[CALLER])),
        asyncio.timeout(10),
    ):
        await broker.publish([message_of(request)])
        while not found:
            found = list(await store.collect(CALLER, request.subject))
            await asyncio.sleep(0.01)
    assert found[0].event().data == {"name": "a"}


async def test_domain_without_store_and_sink_is_refused_and_with_sink_handed_on(broker: InMemoryBroker) -> None:
    async with running(BrokerWorker(Service().app(), broker)):
        await broker.publish([message_of(ask("domain"))])
        await until(lambda: bool(broker._dead))  # pyright: ignore[reportPrivateUsage]
    (letter,) = await broker.dead_letters()
    assert "no sink" in letter.detail
    app, shown = Service().app(), list[Event[Any]]()

    @app.sink("human.inbox")
    async def show(event: Event[Any]) -> None:
        shown.append(event)

    async with running(BrokerWorker(app, broker)):
        await broker.publish([message_of(ask("domain"))])
        await until(lambda: bool(shown))
    assert shown[0].data["name"] == "domain"


async def test_stopping_hands_back_what_was_not_begun(broker: InMemoryBroker, store: InMemoryStore | None) -> None:
    worker = BrokerWorker(Service().app(), broker, store=store)
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    worker.stop()
    async with asyncio.timeout(5):
        report = await task
    assert report.deliveries == 0
    if store is None:
        with pytest.raises(DefinitionError):
            worker.health()
    else:
        assert worker.health().lanes == 0


async def test_what_cannot_work_without_a_store_is_refused() -> None:
    async with InMemoryBroker() as broker:
        with pytest.raises(DefinitionError, match="lease would have no effect"):
            BrokerWorker(Service().app(), broker, lease=timedelta(seconds=1))
        with pytest.raises(DefinitionError, match="Nobody would take"):
            BrokerWorker(Service().app(), broker, callers=[CALLER])


async def test_record_that_another_process_works_on_is_waited_for(broker: InMemoryBroker) -> None:
    memory = InMemoryMachineMemory()
    order = an_order()
    retry = RetryPolicy(attempts=50, initial_delay=timedelta(milliseconds=20), factor=1)
    app = App(handlers=[Subscription(place_order, retry=retry)], memory=memory, external=[stock, card, shipping])
    await memory.lock(order.subject, "another")
    worker = BrokerWorker(app, broker)
    async with running(worker):
        await broker.publish([message_of(order)])
        await until(lambda: worker.report.retries > 0)
        await memory.unlock(order.subject, "another")
        calls = await received(broker, 2, "com.stock.reserve", "com.card.charge")
    assert {call.parentid for call in calls} == {order.id}


async def test_store_that_fails_is_asked_again(broker: InMemoryBroker) -> None:
    class Failing(InMemoryStore):
        failures = 2

        async def publish(self, *arguments: Any, **options: Any) -> int:
            if self.failures:
                self.failures -= 1
                raise BackendError("The store is away.")
            return await super().publish(*arguments, **options)

    async with Failing() as store:
        worker = BrokerWorker(Service().app(), broker, store=store)
        async with running(worker):
            await broker.publish([message_of(ask("a"))])
            await received(broker, 1)
    assert worker.inbox_report.new == 1


async def test_event_that_the_store_cannot_keep_is_given_up_alone(broker: InMemoryBroker) -> None:
    class Picky(InMemoryStore):
        async def publish(self, deliveries: Any, **options: Any) -> int:
            if any(delivery.event.data["name"] == "odd" for delivery in deliveries):
                raise ValueError("odd")
            return await super().publish(deliveries, **options)

    async with Picky() as store, running(BrokerWorker(Service().app(), broker, store=store)):
        await broker.publish([message_of(ask(name)) for name in ("a", "odd", "b")])
        await received(broker, 2)
    (letter,) = await broker.dead_letters()
    assert letter.reason == "unexpected"
