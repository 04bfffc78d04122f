"""All of it as one application: `arvo run examples.orders.app:app --events examples/orders/orders.jsonl`."""

from __future__ import annotations

from typing import Any

from arvo import App, Event

from .approval import HUMAN, Approved, Rejected, ask_v1
from .card import charge_card, refund_card
from .fulfilment import fulfil_order
from .order import place_order
from .shipping import book_parcel
from .stock import release_stock, reserve_stock

app = App(
    handlers=[place_order, fulfil_order, charge_card, refund_card, reserve_stock, release_stock, book_parcel],
)

MANAGER_LIMIT_CENTS = 500_000


@app.sink(HUMAN)
async def ask_the_manager(event: Event[Any]) -> None:
    """Stands in for a person with an inbox, so that the demo needs nobody: says yes up to a limit."""
    question = ask_v1.parse_accepted(event)
    if question.data.amount_cents <= MANAGER_LIMIT_CENTS:
        answer = ask_v1.reply(Approved(by="mara"), to=question)
    else:
        answer = ask_v1.reply(Rejected(by="mara", reason="too much for one order"), to=question)
    await app.publish(answer)
