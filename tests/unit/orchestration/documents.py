"""The order workflow as an XState document, and one of many parallel parts; each test delivers events by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, OrchestratorContract, Payload, Services, services
from arvo.orchestration import BoundWorkflow, ChartMachine, Machine, Orchestrator
from tests.unit.orchestration.orders import (
    ChargeCard,
    OrderFailed,
    OrderPlaced,
    ReserveStock,
    order,
    order_services,
    order_v1,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.events import Event
    from arvo.ports import MachineMemory

AnyMachine = ChartMachine[Any, Any, Any, Any, Any]
Function = Callable[[Any, Any, Any], Any]

ORDER: dict[str, Any] = {
    "id": "order",
    "initial": "reserving",
    "states": {
        "reserving": {
            "entry": "askForStock",
            "on": {
                "evt.stock.reserve.success": {"target": "charging", "actions": "keepHold"},
                "sys.com.stock.reserve.error": {"target": "failed", "actions": "keepReason"},
            },
        },
        "charging": {
            "entry": "askForMoney",
            "on": {
                "evt.card.charge.success": {"target": "placed", "actions": "keepCharge"},
                "evt.card.charge.declined": {"target": "failed", "actions": "keepReason"},
            },
        },
        "placed": {"type": "final"},
        "failed": {"type": "final"},
    },
}


def order_context(event: Event[Any]) -> dict[str, Any]:
    """What an order knows at first."""
    return {"sku": event.data.sku, "amount": event.data.amount_cents}


def order_output(context: dict[str, Any], _: Any) -> OrderPlaced | OrderFailed:
    """How an order ends."""
    if "charge" in context:
        return OrderPlaced(charge_id=context["charge"])
    return OrderFailed(reason=context["reason"])


def _reason(event: Any) -> str:
    return str(getattr(event.data, "reason", None) or event.data.error_message)


ORDER_CALLS: dict[str, Function] = {
    "askForStock": lambda context, _event, _params: ReserveStock(sku=context["sku"]),
    "askForMoney": lambda context, _event, _params: ChargeCard(amount_cents=context["amount"]),
}
ORDER_ACTIONS: dict[str, Function] = {
    "keepHold": lambda _context, event, _params: {"hold": event.data.hold_id},
    "keepCharge": lambda _context, event, _params: {"charge": event.data.charge_id},
    "keepReason": lambda _context, event, _params: {"reason": _reason(event)},
}


def returning(value: object) -> Function:
    """A guard, a call or an action that always does the same."""
    return lambda _context, _event, _params: value


def raising(error: Exception) -> Function:
    """A function that raises."""

    def function(*_: Any) -> Any:
        raise error

    return function


def document_machine(
    document: Mapping[str, Any] | str | bytes = ORDER,
    *,
    version: Any = order_v1,
    services: Services[Any, Any] = order_services,
    context: Callable[[Any], dict[str, Any]] | None = order_context,
    guards: Mapping[str, Function] | None = None,
    calls: Mapping[str, Function] = ORDER_CALLS,
    actions: Mapping[str, Any] = ORDER_ACTIONS,
    delays: Mapping[str, Any] | None = None,
    output: Callable[[Any, Any], Any] | None = order_output,
) -> AnyMachine:
    """The order machine, with some of what `Machine.from_xstate` is given changed."""
    return Machine.from_xstate(
        version,
        document,
        services=services,
        context=context,
        guards=guards,
        calls=calls,
        actions=actions,
        delays=delays,
        output=output,
    )


def orchestrated(
    machine: AnyMachine | None = None, *, memory: MachineMemory | None = None, **settings: Any
) -> BoundWorkflow:
    """The order workflow as a statechart, with a memory of its own."""
    workflow = Orchestrator(order, [document_machine() if machine is None else machine], **settings)
    return workflow.bind(InMemoryMachineMemory() if memory is None else memory)


def one_state(*entry: Any, **state: Any) -> dict[str, Any]:
    """A document whose only state has these entry actions."""
    return {"id": "one", "initial": "only", "states": {"only": {"entry": list(entry), **state}}}


# A workflow of many parts that are made at the same time.


class MakePart(Payload):
    number: int


class PartMade(Payload, event_type="evt.part.make.success"):
    number: int


class Assemble(Payload):
    parts: int


class Assembled(Payload):
    numbers: list[int]


make_part_v1 = Contract(uri="#/services/part.make", type="com.part.make").version(
    "1.0.0", accepts=MakePart, emits=PartMade
)
assembly = OrchestratorContract("assembly", uri="#/orchestrators/assembly")
assembly_v1 = assembly.version("1.0.0", accepts=Assemble, emits=Assembled)


def assembly_machine(parts: int) -> AnyMachine:
    """Every part is a region of its own, and done when its reply is there."""

    def region(number: int) -> dict[str, Any]:
        mine = {"type": "isMine", "params": {"number": number}}
        return {
            "initial": "waiting",
            "states": {
                "waiting": {
                    "entry": {"type": "ask", "params": {"number": number}},
                    "on": {"evt.part.make.success": {"target": "made", "guard": mine, "actions": "note"}},
                },
                "made": {"type": "final"},
            },
        }

    regions = {f"part{number}": region(number) for number in range(parts)}
    return Machine.from_xstate(
        assembly_v1,
        {"id": "assembly", "type": "parallel", "context": {"numbers": []}, "states": regions},
        services=services(make_part_v1),
        guards={"isMine": lambda _context, event, params: event.data.number == params["number"]},
        calls={"ask": lambda _context, _event, params: MakePart(number=params["number"])},
        actions={"note": lambda context, event, _params: {"numbers": [*context["numbers"], event.data.number]}},
        output=lambda context, _: Assembled(numbers=sorted(context["numbers"])),
    )
