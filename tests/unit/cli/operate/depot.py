"""The app that operating a store is tested with: workflows that begin others, that ask people, and that break.

What breaks does so until there is a file `mended`.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from arvo import (
    App,
    Contract,
    Done,
    Emit,
    Event,
    ExecutionViolation,
    Handler,
    HandlerContext,
    OrchestratorContract,
    Payload,
    Resumable,
    RetryPolicy,
    ServiceError,
    SimpleContract,
    Turn,
    Wait,
    one_of,
    services,
)


def is_mended() -> bool:
    return Path("mended").exists()


def tell_of_start() -> None:
    Path("started").touch()


class Ask(Payload):
    question: str


class Approved(Payload, event_type="evt.human.ask.approved"):
    by: str


class Refused(Payload, event_type="evt.human.ask.refused"):
    reason: str


ask = Contract(uri="#/people/ask", type="com.human.ask", domain="human")
ask_v1 = ask.version("1.0.0", accepts=Ask, emits=one_of(Approved, Refused))


class Item(Payload):
    name: str


class Got(Payload):
    by: str


class Nothing(BaseModel):
    asked: str


item = OrchestratorContract("item", uri="#/orchestrators/item")
item_v1 = item.version("1.0.0", accepts=Item, emits=Got)
get_item = Resumable(item)


@get_item.on(item_v1, state=Nothing, services=services(ask_v1))
async def get(turn: Turn[Item | Approved | Refused | ServiceError, Nothing]) -> Wait[Nothing, Ask] | Done[Got]:
    match turn.event.data:
        case Item(name=name):
            if name == "broken" and not is_mended():
                raise RuntimeError("the shelf is broken")
            return Wait(Nothing(asked=name), [Emit(Ask(question=f"May I take {name}?"), domain="human")])
        case Approved(by=by):
            if by == "nobody" and not is_mended():
                raise RuntimeError("nobody is not somebody")
            if by == "slow":
                tell_of_start()
                while not is_mended():  # noqa: ASYNC110 - it is another process that mends
                    await asyncio.sleep(0.02)
            return Done(Got(by=by))
        case other:
            raise RuntimeError(f"not to be had: {other}")


class Bundle(Payload):
    names: tuple[str, ...]


class Bundled(Payload):
    by: tuple[str, ...]


bundle = OrchestratorContract("bundle", uri="#/orchestrators/bundle")
bundle_v1 = bundle.version("1.0.0", accepts=Bundle, emits=Bundled)
pack_bundle = Resumable(bundle)


@pack_bundle.on(bundle_v1, state=Nothing, services=services(item_v1))
async def pack(turn: Turn[Bundle | Got | ServiceError, Nothing]) -> Wait[Nothing, Item] | Done[Bundled]:
    match turn.event.data:
        case Bundle(names=names):
            return Wait(Nothing(asked=",".join(names)), [Item(name=name) for name in names])
        case Got():
            found = turn.replies(Got)
            assert turn.state is not None
            if len(found) < len(turn.state.asked.split(",")):
                return Wait(turn.state)
            return Done(Bundled(by=tuple(one.data.by for one in found)))
        case ServiceError(error_name=name):
            return Done(Bundled(by=(name,)))


class Send(Payload):
    to: str


class Sent(Payload):
    to: str


send = SimpleContract("post.send", uri="#/services/post.send")
send_v1 = send.version("1.0.0", accepts=Send, emits=Sent)
send_post = Handler(send)


@send_post.on(send_v1)
async def send_it(event: Event[Send], _: HandlerContext) -> Sent:
    if not is_mended():
        raise ExecutionViolation(f"no post to {event.data.to}")
    return Sent(to=event.data.to)


app = App(
    handlers=[get_item, pack_bundle, send_post], retry=RetryPolicy(attempts=1, initial_delay=timedelta(milliseconds=1))
)
