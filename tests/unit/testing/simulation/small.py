"""A small app to simulate: parcels are weighed, and an answer comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo import App, Contract, Event, Handler, HandlerContext, Payload
from arvo.testing.simulation import FaultKind, System

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection


class Weigh(Payload):
    parcel: str


class Weighed(Payload, event_type="evt.parcel.weigh.success"):
    parcel: str
    grams: int


weigh = Contract(uri="#/services/parcel.weigh", type="com.parcel.weigh")
weigh_v1 = weigh.version("1.0.0", accepts=Weigh, emits=Weighed)

REQUESTS = tuple(
    weigh_v1.request(Weigh(parcel=f"p{number}"), source="com.web.shop", subject="shelf", id=f"request-{number}")
    for number in range(1, 6)
)


async def nothing() -> None:
    """What a handler does besides."""


def an_app(meanwhile: Callable[[], Awaitable[object]] = nothing) -> App:
    scales = Handler(weigh)

    @scales.on(weigh_v1)
    async def put_on_scales(event: Event[Weigh], _: HandlerContext) -> Weighed:
        await meanwhile()
        return Weighed(parcel=event.data.parcel, grams=500)

    return App(handlers=[scales])


def a_system(app: App, faults: Collection[FaultKind] = tuple(FaultKind), **options: Any) -> System:
    return System(make_app=lambda: app, inputs=REQUESTS, faults=frozenset(faults), **options)
