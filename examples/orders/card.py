"""The card service: one contract in two versions, one function for each."""

from __future__ import annotations

from arvo import Contract, Event, Handler, HandlerContext, Payload, SimpleContract, one_of


class ChargeCard(Payload):
    card: str
    amount_cents: int


class ChargeCardInCurrency(ChargeCard):
    currency: str


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge", description="Takes money from a card")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
charge_v2 = charge.version("2.0.0", accepts=ChargeCardInCurrency, emits=one_of(CardCharged, CardDeclined))

charge_card = Handler(charge, execution_units=1)

CURRENCIES = frozenset({"EUR", "USD", "GBP"})


@charge_card.on(charge_v1)
async def charge_in_dollars(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged | CardDeclined:
    return authorise(event.data.card, ctx.idempotency_key)


@charge_card.on(charge_v2)
async def charge_in_currency(event: Event[ChargeCardInCurrency], ctx: HandlerContext) -> CardCharged | CardDeclined:
    if event.data.currency not in CURRENCIES:
        return CardDeclined(reason=f"currency {event.data.currency} is not accepted")
    return authorise(event.data.card, ctx.idempotency_key)


def authorise(card: str, idempotency_key: str) -> CardCharged | CardDeclined:
    """Stands in for a payment provider, which would be given the key so that a redelivery charges once."""
    if card.endswith("0000"):
        return CardDeclined(reason="insufficient funds")
    return CardCharged(charge_id=f"ch_{idempotency_key}")


class RefundCard(Payload):
    charge_id: str


class CardRefunded(Payload):
    charge_id: str


refund = SimpleContract("card.refund", uri="#/services/card.refund", description="Gives money back")
refund_v1 = refund.version("1.0.0", accepts=RefundCard, emits=CardRefunded)

refund_card = Handler(refund, execution_units=1)


@refund_card.on(refund_v1)
async def give_money_back(event: Event[RefundCard], _: HandlerContext) -> CardRefunded:
    return CardRefunded(charge_id=event.data.charge_id)
