"""Machines of the order workflow played by the tests, one event at a time, with the record as JSON in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.events import new_event_id
from arvo.orchestration import ChartMachine, Machine, Orchestrator
from tests.unit.orchestration.orders import (
    ChargeCard,
    OrderState,
    PlaceOrder,
    ReserveStock,
    order,
    order_services,
    order_v1,
    request,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.contracts import ContractVersion, Payload
    from arvo.events import Event
    from tests.unit.orchestration.orders import (
        CardCharged,
        CardDeclined,
        OrderFailed,
        OrderPlaced,
        StockReserved,
    )

    OrderMachine = Machine[
        PlaceOrder,
        OrderPlaced | OrderFailed,
        OrderState,
        ReserveStock | ChargeCard,
        StockReserved | CardCharged | CardDeclined,
    ]


def order_machine() -> OrderMachine:
    """A machine for the order workflow without any state yet."""
    return Machine(order_v1, state=OrderState, services=order_services)


def begin(request: PlaceOrder) -> OrderState:
    """The state an order begins with."""
    return OrderState(sku=request.sku, amount_cents=request.amount_cents)


def asking_all(machine: OrderMachine) -> OrderMachine:
    """The machine, calling every service as soon as it starts, so that every reply can come."""

    @machine.root.enter
    def ask_all(state: OrderState) -> list[ReserveStock | ChargeCard]:
        return [ReserveStock(sku=state.sku), ChargeCard(amount_cents=state.amount_cents)]

    return machine


class Play:
    """One execution of a machine. Each step returns the payloads that it emitted."""

    def __init__(self, machine: ChartMachine[Any, Any, Any, Any, Any]) -> None:
        self.services: Sequence[ContractVersion[Any, Any]] = machine.services.versions
        self.workflow = Orchestrator(order, [machine]).bind(InMemoryMachineMemory())
        self.request = request()
        self.calls: list[Event[Any]] = []

    async def start(self, **data: Any) -> list[Payload]:
        self.request = request(**data)
        return await self.take(self.request)

    async def reply(self, payload: Payload, *, of: ContractVersion[Any, Any] | None = None) -> list[Payload]:
        """Answer the latest call of the service that sends such a payload."""
        service = of or next(service for service in self.services if type(payload) in service.emits)
        # An id of its own: a second answer to one call would be the first one, delivered again.
        return await self.take(service.reply(payload, to=self._call_of(service), id=new_event_id()))

    async def fail(self, service: ContractVersion[Any, Any], message: str = "broken") -> list[Payload]:
        """Answer the latest call of a service with a system error."""
        return await self.take(service.system_error(RuntimeError(message), to=self._call_of(service)))

    async def record(self) -> Mapping[str, Any]:
        record = await self.workflow.memory.read(self.request.subject)
        assert record is not None
        return record

    async def value(self) -> Any:
        """Which states are active."""
        return (await self.record())["value"]

    async def state(self) -> OrderState:
        return OrderState.model_validate((await self.record())["state"]["context"])

    async def take(self, event: Event[Any]) -> list[Payload]:
        emitted = await self.workflow.execute(event)
        self.calls += emitted
        return [each.data for each in emitted]

    def _call_of(self, service: ContractVersion[Any, Any]) -> Event[Any]:
        return next(call for call in reversed(self.calls) if call.type == service.accepted_type)
