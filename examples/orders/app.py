"""All of it as one application: `arvo run examples.orders.app:app --events examples/orders/orders.jsonl`."""

from __future__ import annotations

from typing import Any

from arvo import App, Event

from .approval import HUMAN
from .card import charge_card, refund_card
from .fulfilment import fulfil_order
from .inbox import decision
from .order import place_order
from .shipping import book_parcel
from .stock import release_stock, reserve_stock

app = App(
    handlers=[place_order, fulfil_order, charge_card, refund_card, reserve_stock, release_stock, book_parcel],
)


@app.sink(HUMAN)
async def ask_the_manager(event: Event[Any]) -> None:
    await app.publish(decision(event))
