"""A service and a workflow that calls it. Try: arvo run main:app --events events.jsonl"""

from __future__ import annotations

from typing import assert_never

from pydantic import BaseModel

from arvo import (
    App,
    Done,
    Event,
    Handler,
    HandlerContext,
    OrchestratorContract,
    Payload,
    Resumable,
    ServiceError,
    SimpleContract,
    Turn,
    Wait,
    services,
)

# A service: its contract, and a function for each version of it.


class Greet(Payload):
    name: str


class Greeted(Payload):
    text: str


greet = SimpleContract("greeting.make", uri="#/services/greeting.make")
greet_v1 = greet.version("1.0.0", accepts=Greet, emits=Greeted)

make_greeting = Handler(greet)


@make_greeting.on(greet_v1)
async def say_hello(event: Event[Greet], _: HandlerContext) -> Greeted:
    return Greeted(text=f"Hello, {event.data.name}!")


# A workflow: it calls the service once for each guest, and ends when all answers are there.


class Welcome(Payload):
    guests: tuple[str, ...]


class Welcomed(Payload):
    texts: tuple[str, ...]


class Progress(BaseModel):
    expected: int


welcome = OrchestratorContract("welcome", uri="#/orchestrators/welcome")
welcome_v1 = welcome.version("1.0.0", accepts=Welcome, emits=Welcomed)

welcome_guests = Resumable(welcome)


@welcome_guests.on(welcome_v1, state=Progress, services=services(greet_v1))
async def advance(turn: Turn[Welcome | Greeted | ServiceError, Progress]) -> Wait[Progress, Greet] | Done[Welcomed]:
    match turn.event.data:
        case Welcome(guests=guests):
            return Wait(Progress(expected=len(guests)), [Greet(name=guest) for guest in guests])
        case Greeted():
            greetings = turn.replies(Greeted)
            if turn.state is not None and len(greetings) < turn.state.expected:
                return Wait(turn.state)
            return Done(Welcomed(texts=tuple(greeting.data.text for greeting in greetings)))
        case ServiceError(error_message=message):
            raise RuntimeError(f"the greeting failed: {message}")
        case _ as never:
            assert_never(never)


app = App(handlers=[make_greeting, welcome_guests])
