"""A few contracts for the tests of this folder: a service, a log that never answers, and a workflow."""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from arvo.contracts import Contract, OrchestratorContract, Payload, one_of


class ChargeCard(Payload, alias_generator=to_camel):
    amount_cents: int
    currency: str = "EUR"


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class WriteLog(Payload):
    line: str


class PlaceOrder(Payload):
    order_id: str


class OrderPlaced(Payload):
    charge_id: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge", description="Charges cards")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
log_v1 = Contract(uri="#/log", type="com.log.write").version("1.0.0", accepts=WriteLog, emits=None)
order = OrchestratorContract("order", uri="#/orders")
order_v1 = order.version("1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed))
