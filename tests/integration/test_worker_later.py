"""Waiting for time, schedules and asking, on workers over real databases."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from arvo.contracts import OrchestratorContract, Payload, ServiceError, SimpleContract, services
from arvo.handlers import Emit, Handler, HandlerContext
from arvo.orchestration import Done, Resumable, Timeout, Turn, Wait
from arvo.runtime import App, Worker, enqueue, resolve
from tests.support.postgres import PostgresServer, postgres
from tests.support.stores import postgres_store, sqlite_store
from tests.unit.runtime.worker.workplace import until, working

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from arvo.events import Event
    from arvo.ports import Store
    from arvo.testing.store import MakeStore

__all__ = ["postgres"]

SCHEMAS = (f"later_{number}" for number in itertools.count())
SOON = timedelta(seconds=0.2)


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store."""
    make: MakeStore = partial(sqlite_store, tmp_path)
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        make = partial(postgres_store, server.url(), next(SCHEMAS))
    async with make() as under_test:
        yield under_test.store


class AskBank(Payload):
    amount_cents: int


class BankAnswered(Payload):
    receipt: str


class PayBill(Payload):
    amount_cents: int


class BillState(BaseModel):
    """Nothing needs to be remembered."""


class BillPaid(Payload):
    receipt: str


bank = SimpleContract("bank.ask", uri="#/services/bank.ask")
bank_v1 = bank.version("1.0.0", accepts=AskBank, emits=BankAnswered)
bill = OrchestratorContract("bill", uri="#/orchestrators/bill")
bill_v1 = bill.version("1.0.0", accepts=PayBill, emits=BillPaid)
ask_bank, pay_bill = Handler(bank), Resumable(bill)


@ask_bank.on(bank_v1)
async def answer_small_sums(event: Event[AskBank], _: HandlerContext) -> list[BankAnswered]:
    """Never answers for large ones."""
    return [BankAnswered(receipt="r")] if event.data.amount_cents < 100 else []


@pay_bill.on(bill_v1, state=BillState, services=services(bank_v1), timeouts=True)
async def pay(
    turn: Turn[PayBill | BankAnswered | ServiceError | Timeout, BillState],
) -> Wait[BillState, AskBank] | Done[BillPaid, BillState, AskBank]:
    match turn.event.data:
        case PayBill(amount_cents=amount):
            return Wait(None, [Emit(AskBank(amount_cents=amount), deadline=SOON)])
        case BankAnswered(receipt=receipt):
            return Done(BillPaid(receipt=receipt))
        case _:
            return Done(BillPaid(receipt="on paper"))


def bill_of(amount_cents: int) -> Event[PayBill]:
    return bill_v1.request(PayBill(amount_cents=amount_cents), source="com.web.bills")


async def test_a_deadline_passes_and_an_answer_in_time_spares_it(store: Store) -> None:
    app = App([ask_bank, pay_bill])
    async with asyncio.timeout(30), working(Worker(app, store), Worker(app, store)):
        paid = await asyncio.gather(*(resolve(app, store, bill_of(sum_), expect=bill_v1) for sum_ in (1, 500, 2, 600)))
        assert [answer.data for answer in paid] == [
            BillPaid(receipt="r"),
            BillPaid(receipt="on paper"),
            BillPaid(receipt="r"),
            BillPaid(receipt="on paper"),
        ]
    assert await store.timers() == []
    assert await store.queues() == []
    assert await store.dead_letters() == []


async def test_a_timer_outlives_the_worker_that_started_it(store: Store) -> None:
    app, asked = App([ask_bank, pay_bill]), bill_of(500)
    await enqueue(app, store, asked)

    async def started() -> bool:
        return bool(await store.timers())

    async with working(Worker(app, store)):
        await until(started)
    await asyncio.sleep(SOON.total_seconds())
    async with asyncio.timeout(30), working(Worker(app, store)):
        answer = await resolve(app, store, asked, expect=bill_v1)
    assert answer.data == BillPaid(receipt="on paper")


async def test_each_occurrence_of_a_schedule_comes_once_over_all_workers(store: Store) -> None:
    seen: list[str] = []

    def app() -> App:
        made = App([ask_bank, pay_bill])

        @made.schedule("* * * * * *")
        def each_second(due: datetime) -> Event[Any]:
            seen.append(f"{due:%H:%M:%S}")
            return bill_of(1)

        return made

    async def enough() -> bool:
        return len(seen) >= 3

    async with working(*(Worker(app(), store) for _ in range(3))):
        await until(enough)
    assert len(set(seen)) == len(seen)
    assert sorted(seen) == seen
    assert await store.dead_letters() == []
