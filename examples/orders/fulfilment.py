"""The child workflow: one parcel for every ten units, all booked at once, and done when each has its number."""

from __future__ import annotations

from typing import assert_never

from pydantic import BaseModel, PositiveInt

from arvo import Done, OrchestratorContract, Payload, Resumable, ServiceError, Turn, Wait, services

from .shipping import BookParcel, ParcelBooked, book_v1

UNITS_PER_PARCEL = 10


class ShipOrder(Payload):
    order_id: str
    country: str
    quantity: PositiveInt


class OrderShipped(Payload):
    tracking: tuple[str, ...]


class DeliveryImpossibleError(Exception):
    """The carrier does not take this order; the parent workflow hears of it as a system error."""


class Parcels(BaseModel):
    expected: int
    country: str


fulfilment = OrchestratorContract("fulfilment", uri="#/orchestrators/fulfilment")
fulfilment_v1 = fulfilment.version("1.0.0", accepts=ShipOrder, emits=OrderShipped)

fulfil_order = Resumable(fulfilment)


@fulfil_order.on(fulfilment_v1, state=Parcels, services=services(book_v1))
async def ship(
    turn: Turn[ShipOrder | ParcelBooked | ServiceError, Parcels],
) -> Wait[Parcels, BookParcel] | Done[OrderShipped]:
    match turn.event.data:
        case ShipOrder(order_id=order_id, country=country, quantity=quantity):
            lots = [min(UNITS_PER_PARCEL, quantity - start) for start in range(0, quantity, UNITS_PER_PARCEL)]
            calls = [BookParcel(order_id=order_id, country=country, units=units) for units in lots]
            return Wait(Parcels(expected=len(calls), country=country), calls)
        case ParcelBooked():
            booked = turn.replies(ParcelBooked)
            assert turn.state is not None
            if len(booked) < turn.state.expected:
                return Wait(turn.state)
            return Done(OrderShipped(tracking=tuple(sorted(parcel.data.tracking for parcel in booked))))
        case ServiceError(error_name=name, error_message=message):
            assert turn.state is not None
            raise DeliveryImpossibleError(
                f"nothing can be sent to {turn.state.country}, the carrier broke down with {name}: {message}"
            )
        case _ as never:
            assert_never(never)
