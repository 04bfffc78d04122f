"""The carrier: books one parcel at a time, and breaks on countries that it has never heard of."""

from __future__ import annotations

from arvo import Event, Handler, HandlerContext, Payload, SimpleContract


class BookParcel(Payload):
    order_id: str
    country: str
    units: int


class ParcelBooked(Payload):
    tracking: str


book = SimpleContract("parcel.book", uri="#/services/parcel.book", description="Books a parcel with the carrier")
book_v1 = book.version("1.0.0", accepts=BookParcel, emits=ParcelBooked)

book_parcel = Handler(book, execution_units=2)

DEPOTS = {"DE": "LEJ", "FR": "CDG", "GB": "EMA", "US": "SDF"}


@book_parcel.on(book_v1)
async def book_with_carrier(event: Event[BookParcel], ctx: HandlerContext) -> ParcelBooked:
    # An unknown country raises KeyError: nobody planned for it, so the caller gets a system error event.
    depot = DEPOTS[event.data.country]
    return ParcelBooked(tracking=f"{depot}-{ctx.idempotency_key[:8]}")
