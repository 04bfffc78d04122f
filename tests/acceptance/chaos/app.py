"""The app that lives through it: the order system of `examples/orders` and ledgers, with a witness around each run."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from arvo import App
from examples.orders.approval import HUMAN
from examples.orders.card import charge_card, refund_card
from examples.orders.fulfilment import fulfil_order
from examples.orders.inbox import decision
from examples.orders.make_orders import order
from examples.orders.order import PlaceOrder, order_v1, place_order
from examples.orders.shipping import book_parcel
from examples.orders.stock import release_stock, reserve_stock
from tests.acceptance.chaos.ledger import Open, keep_ledger, ledger_v1, posting
from tests.acceptance.chaos.witness import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arvo import Event
    from arvo.runtime import Execute
    from tests.acceptance.chaos.witness import Witness

__all__ = ["SHOP", "chaos_app", "requests"]

SHOP = "com.web.checkout"
_LEDGER_EVERY = 5


def chaos_app(witness: Witness, *, longest_pause: float) -> App:
    """The app; each run takes a while of up to `longest_pause` seconds, so that there is something to be killed in."""

    async def watched(event: Event[Any], call_next: Execute) -> Sequence[Event[Any]]:
        with witness.run(event, event.to or event.type):
            await asyncio.sleep(random.uniform(0, longest_pause))
            return [marked(output) for output in await call_next(event)]

    app = App(
        handlers=[
            *(place_order, fulfil_order, charge_card, refund_card, reserve_stock, release_stock, book_parcel),
            *(keep_ledger, posting(witness)),
        ],
        middleware=[watched],
    )

    @app.sink(HUMAN)
    async def ask_the_manager(event: Event[Any]) -> None:
        with witness.run(event, HUMAN):
            await app.publish(marked(decision(event)))

    return app


def requests(count: int, *, seed: int, stopping_at: int | None) -> Sequence[Event[Any]]:
    """So many requests of all kinds, always the same for one seed; number `stopping_at` stops a worker."""
    chance = random.Random(seed)
    return [_request(number, chance, stops=number == stopping_at) for number in range(count)]


def _request(number: int, chance: random.Random, *, stops: bool) -> Event[Any]:
    name = f"chaos-{number}"
    if stops or number % _LEDGER_EVERY == 0:
        opening = Open(entries=6 if stops else chance.randint(1, 6), stops=stops)
        return ledger_v1.request(opening, source=SHOP, id=name)
    return order_v1.request(PlaceOrder.model_validate(order(number, chance)["data"]), source=SHOP, id=name)
