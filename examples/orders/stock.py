"""The stock service: reserves goods and gives them back."""

from __future__ import annotations

from arvo import Contract, Event, Handler, HandlerContext, Payload, SimpleContract, one_of


class ReserveStock(Payload):
    sku: str
    quantity: int


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    reservation_id: str


class OutOfStock(Payload, event_type="evt.stock.reserve.refused"):
    sku: str


class ReleaseStock(Payload):
    reservation_id: str


class StockReleased(Payload):
    reservation_id: str


reserve = Contract(uri="#/services/stock.reserve", type="com.stock.reserve", description="Holds goods for an order")
reserve_v1 = reserve.version("1.0.0", accepts=ReserveStock, emits=one_of(StockReserved, OutOfStock))

release = SimpleContract("stock.release", uri="#/services/stock.release", description="Gives held goods back")
release_v1 = release.version("1.0.0", accepts=ReleaseStock, emits=StockReleased)

reserve_stock = Handler(reserve, execution_units=1)
release_stock = Handler(release, execution_units=1)

LARGEST_LOT = 50


@reserve_stock.on(reserve_v1)
async def hold_goods(event: Event[ReserveStock], ctx: HandlerContext) -> StockReserved | OutOfStock:
    if event.data.quantity > LARGEST_LOT:
        return OutOfStock(sku=event.data.sku)
    return StockReserved(reservation_id=f"hold_{ctx.idempotency_key}")


@release_stock.on(release_v1)
async def give_back(event: Event[ReleaseStock], _: HandlerContext) -> StockReleased:
    return StockReleased(reservation_id=event.data.reservation_id)
