"""A workflow whose answer tells of itself: which runs were committed, and in which order its entries arrived.

All its calls go to one lane and all the replies come back to one, so the only right order is that of the numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from pydantic import BaseModel

from arvo import (
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
from tests.acceptance.chaos.witness import current_run

if TYPE_CHECKING:
    from tests.acceptance.chaos.witness import Witness

__all__ = ["Closed", "Open", "keep_ledger", "ledger_v1", "posting"]


class Post(Payload):
    number: int
    stops: bool


class Posted(Payload):
    number: int
    run: str


class Open(Payload):
    entries: int
    stops: bool = False
    """Whether the worker that first takes the second entry is stopped in the middle of it."""


class Closed(Payload):
    numbers: tuple[int, ...]
    """The entries in the order in which their replies arrived."""
    posts: tuple[str, ...]
    """The runs that posted them."""
    turns: tuple[str, ...]
    """The runs of the workflow itself."""


class Page(BaseModel):
    entries: int
    numbers: tuple[int, ...] = ()
    posts: tuple[str, ...] = ()
    turns: tuple[str, ...] = ()


post = SimpleContract("ledger.post", uri="#/services/ledger.post")
post_v1 = post.version("1.0.0", accepts=Post, emits=Posted)

ledger = OrchestratorContract("ledger", uri="#/orchestrators/ledger")
ledger_v1 = ledger.version("1.0.0", accepts=Open, emits=Closed)

keep_ledger = Resumable(ledger)


@keep_ledger.on(ledger_v1, state=Page, services=services(post_v1))
async def turn_page(turn: Turn[Open | Posted | ServiceError, Page]) -> Wait[Page, Post] | Done[Closed]:
    match turn.event.data:
        case Open(entries=entries, stops=stops):
            calls = [Post(number=number, stops=stops and number == 1) for number in range(entries)]
            return Wait(Page(entries=entries, turns=(current_run(),)), calls)
        case Posted(number=number, run=run):
            page = turn.state
            assert page is not None
            page = Page(
                entries=page.entries,
                numbers=(*page.numbers, number),
                posts=(*page.posts, run),
                turns=(*page.turns, current_run()),
            )
            if len(page.numbers) < page.entries:
                return Wait(page)
            return Done(Closed(numbers=page.numbers, posts=page.posts, turns=page.turns))
        case ServiceError(error_message=message):
            raise RuntimeError(message)
        case _ as never:
            assert_never(never)


def posting(witness: Witness) -> Handler:
    """The service that posts entries."""
    handler = Handler(post)

    @handler.on(post_v1)
    async def post_entry(event: Event[Post], _: HandlerContext) -> Posted:
        if event.data.stops:
            witness.stop_once(event)
        return Posted(number=event.data.number, run=current_run())

    return handler
