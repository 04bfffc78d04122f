"""Our side: a workflow of two steps on a durable worker, called as a web process of the same program would call it.

Runs as a process of its own, with the address of a store as its argument.
"""

from __future__ import annotations

import asyncio
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import uvloop

from arvo import (
    App,
    Contract,
    Done,
    Event,
    Handler,
    HandlerContext,
    OrchestratorContract,
    Payload,
    Resumable,
    ServiceError,
    Turn,
    Wait,
    services,
)
from arvo.runtime import Worker, enqueue
from benchmarks.durable.callers import run_callers
from benchmarks.durable.stores import open_store
from benchmarks.protocol import answer_questions

if TYPE_CHECKING:
    from arvo.ports import Store

SOURCE = "com.bench.caller"
CONCURRENCY = 64


class Begin(Payload):
    number: int


class Ended(Payload):
    number: int


class Increase(Payload):
    number: int


class Increased(Payload, event_type="evt.number.increase.success"):
    number: int


class Double(Payload):
    number: int


class Doubled(Payload, event_type="evt.number.double.success"):
    number: int


class Progress(Payload):
    increased: int | None = None


increase = Contract(uri="#/services/number.increase", type="com.number.increase")
increase_v1 = increase.version("1.0.0", accepts=Increase, emits=Increased)
double = Contract(uri="#/services/number.double", type="com.number.double")
double_v1 = double.version("1.0.0", accepts=Double, emits=Doubled)
calculation = OrchestratorContract("calculation", uri="#/orchestrators/calculation")
calculation_v1 = calculation.version("1.0.0", accepts=Begin, emits=Ended)

increaser = Handler(increase)
doubler = Handler(double)
workflow = Resumable(calculation)


@increaser.on(increase_v1)
async def add_one(event: Event[Increase], _: HandlerContext) -> Increased:
    return Increased(number=event.data.number + 1)


@doubler.on(double_v1)
async def times_two(event: Event[Double], _: HandlerContext) -> Doubled:
    return Doubled(number=event.data.number * 2)


@workflow.on(calculation_v1, state=Progress, services=services(increase_v1, double_v1))
async def advance(
    turn: Turn[Begin | Increased | Doubled | ServiceError, Progress],
) -> Wait[Progress, Increase | Double] | Done[Ended, Progress]:
    match turn.event.data:
        case Begin(number=number):
            return Wait(Progress(), [Increase(number=number)])
        case Increased(number=number):
            return Wait(Progress(increased=number), [Double(number=number)])
        case Doubled(number=number):
            return Done(Ended(number=number))
        case ServiceError() as error:
            raise RuntimeError(error.error_message)


app = App(handlers=[workflow, increaser, doubler], concurrency=CONCURRENCY)
waiting = dict[str, asyncio.Future[int]]()


@app.on_unhandled
async def answered(event: Event[Any]) -> None:
    """The worker's delivery of the answer, which is durable by now."""
    data = calculation_v1.parse_emitted(event).data
    assert isinstance(data, Ended)
    waiting.pop(event.subject).set_result(data.number)


async def call(store: Store, number: int) -> int:
    request = calculation_v1.request(Begin(number=number), source=SOURCE)
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    waiting[request.subject] = answer
    await enqueue(app, store, request)
    return await answer


async def main() -> None:
    async with open_store(sys.argv[1]) as store:
        worker = Worker(app, store, concurrency=CONCURRENCY)

        async def answer(question: dict[str, Any]) -> dict[str, Any]:
            tally = await run_callers(lambda number: call(store, number), **question)
            return tally.to_dict()

        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            await answer_questions(answer, versions=[f"arvo-event-handler {version('arvo-event-handler')}"])
            worker.stop()


if __name__ == "__main__":
    uvloop.run(main())
