"""Right and wrong uses of `arvo.handlers`, checked by mypy and pyright, never run.

A wrong use carries ignores for both checkers; a checker that does not report it reports the needless ignore instead
(`pyrightconfig.json` in this folder sees to that).
"""

# ruff: noqa: ARG001, ARG002 - what a function does with its arguments is of no interest here

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, assert_type

from arvo.contracts import Contract, ContractVersion, Payload, one_of
from arvo.events import Event, JsonObject
from arvo.handlers import (
    Domain,
    Emit,
    EventDomains,
    EventHandler,
    Handler,
    HandlerContext,
    MultiHandler,
    Router,
    resolve_domain,
    resolve_domains,
)
from arvo.telemetry import Span

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence


class ChargeCard(Payload):
    amount_cents: int


class ChargeCardV2(ChargeCard):
    currency: str = "EUR"


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


class WriteLog(Payload):
    line: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
charge_v2 = charge.version("2.0.0", accepts=ChargeCardV2, emits=CardCharged)
log = Contract(uri="#/log", type="com.log.write")
log_v1 = log.version("1.0.0", accepts=WriteLog, emits=None)

# Handler: right uses

charge_card = Handler(charge, execution_units=1.5, domains=[Domain.LOCAL, "audit"], error_domains=None)
write_log = Handler(log)


@charge_card.on(charge_v1)
async def answers_with_one_of_several(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged | CardDeclined:
    assert_type(event.data.amount_cents, int)
    assert_type(ctx.domain, EventDomains)
    assert_type(ctx.idempotency_key, str)
    assert_type(ctx.version, str | None)
    assert_type(ctx.span, Span)
    ctx.logger.info("charging %d", event.data.amount_cents, extra={"a": 1})
    logger: logging.LoggerAdapter[logging.Logger] = ctx.logger
    logger.debug("seen")
    return CardDeclined(reason="limit")


@charge_card.on(charge_v1)
async def answers_with_a_list(event: Event[ChargeCard], ctx: HandlerContext) -> list[CardCharged | CardDeclined]:
    return [CardCharged(charge_id="a"), CardDeclined(reason="b")]


@charge_card.on(charge_v1)
async def answers_with_directives(event: Event[ChargeCard], ctx: HandlerContext) -> Emit[CardCharged] | None:
    emit = Emit(CardCharged(charge_id="a"), to="com.ledger.book", domain=[None, Domain.FROM_TRIGGERING_EVENT])
    assert_type(emit, Emit[CardCharged])
    assert_type(emit.payload.charge_id, str)
    return emit


@charge_card.on(charge_v1)
async def answers_with_a_mixture(
    event: Event[ChargeCard], ctx: HandlerContext
) -> Sequence[CardCharged | Emit[CardDeclined]]:
    return (CardCharged(charge_id="a"), Emit(CardDeclined(reason="b"), execution_units=3, extensions={"tenant": "x"}))


@charge_card.on(charge_v2)
async def answers_nothing(event: Event[ChargeCardV2], ctx: HandlerContext) -> None: ...


@charge_card.on(charge_v2)
async def takes_any_charge(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged:
    return CardCharged(charge_id="a wider input is fine")


@write_log.on(log_v1)
async def may_not_answer(event: Event[WriteLog], ctx: HandlerContext) -> None: ...


async def with_a_dependency(limit: int, event: Event[ChargeCardV2], ctx: HandlerContext) -> CardCharged:
    return CardCharged(charge_id=str(limit))


charge_card.on(charge_v2)(partial(with_a_dependency, 5))

# A decorated function keeps its own type.
assert_type(may_not_answer.__name__, str)


async def calls_the_function_directly(ctx: HandlerContext) -> None:
    request = charge_v1.request(ChargeCard(amount_cents=1), source="com.web.checkout")
    made = HandlerContext(event=request, source="com.card.charge", version="1.0.0")
    await answers_with_one_of_several(request, made)
    assert_type(await charge_card.execute(request), list[Event[Any]])


# Handler: wrong uses


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def takes_another_payload(event: Event[WriteLog], ctx: HandlerContext) -> CardCharged:
    return CardCharged(charge_id="")


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def takes_a_narrower_payload(event: Event[ChargeCardV2], ctx: HandlerContext) -> CardCharged:
    return CardCharged(charge_id="")


@charge_card.on(charge_v2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def answers_what_only_the_other_version_emits(event: Event[ChargeCardV2], ctx: HandlerContext) -> CardDeclined:
    return CardDeclined(reason="")


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def answers_with_a_strangers_payload(event: Event[ChargeCard], ctx: HandlerContext) -> StockReserved:
    return StockReserved(hold_id="")


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def wraps_a_strangers_payload(event: Event[ChargeCard], ctx: HandlerContext) -> Emit[StockReserved]:
    return Emit(StockReserved(hold_id=""))


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def lists_a_strangers_payload(event: Event[ChargeCard], ctx: HandlerContext) -> list[StockReserved]:
    return [StockReserved(hold_id="")]


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def answers_with_raw_data(event: Event[ChargeCard], ctx: HandlerContext) -> dict[str, str]:
    return {"charge_id": ""}


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def answers_with_a_ready_event(event: Event[ChargeCard], ctx: HandlerContext) -> Event[CardCharged]:
    return charge_v2.reply(CardCharged(charge_id=""), to=event)


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
def is_not_async(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged:
    return CardCharged(charge_id="")


@charge_card.on(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def has_no_context(event: Event[ChargeCard]) -> CardCharged:
    return CardCharged(charge_id="")


@write_log.on(log_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def answers_where_nothing_is_emitted(event: Event[WriteLog], ctx: HandlerContext) -> CardCharged:
    return CardCharged(charge_id="")


@charge_card.on(charge)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def is_registered_for_a_contract(event: Event[ChargeCard], ctx: HandlerContext) -> None: ...


@charge_card.on("1.0.0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def is_registered_for_a_number(event: Event[ChargeCard], ctx: HandlerContext) -> None: ...


Handler(charge_v1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Handler(charge, 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Handler(charge, execution_units="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Handler(charge, domains=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


async def misuses(event: Event[ChargeCard], ctx: HandlerContext) -> None:
    await answers_nothing(event, ctx)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await charge_card.execute({"type": "com.card.charge"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ctx.source = "com.other.source"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    charge_card.source = "com.other.source"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    ctx.events  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


# Emit

Emit({"charge_id": ""})  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
Emit(CardCharged(charge_id=""), "com.ledger.book")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Emit(CardCharged(charge_id=""), parentid="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Emit(CardCharged(charge_id=""), domain=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Emit(CardCharged(charge_id="")).payload.reason  # type: ignore[attr-defined]  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def wider(emit: Emit[CardCharged]) -> Emit[CardCharged | CardDeclined]:
    return emit


def narrower(emit: Emit[CardCharged | CardDeclined]) -> Emit[CardCharged]:
    return emit  # type: ignore[return-value]  # pyright: ignore[reportReturnType]


# MultiHandler and Router

audit = MultiHandler("com.audit.log", domains="audit")


@audit.handle
async def passes_on(event: Event[JsonObject], ctx: HandlerContext) -> list[Emit[CardCharged] | Event[ChargeCard]]:
    assert_type(event.data, JsonObject)
    typed = charge_v1.parse_accepted(event)
    assert_type(typed, Event[ChargeCard])
    return [Emit(CardCharged(charge_id="")), charge_v1.request(typed.data, source=ctx.source)]


@audit.handle
async def only_listens(event: Event[JsonObject], ctx: HandlerContext) -> None: ...


@audit.handle  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def expects_typed_data(event: Event[ChargeCard], ctx: HandlerContext) -> None: ...


@audit.handle  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
async def returns_raw_data(event: Event[JsonObject], ctx: HandlerContext) -> JsonObject:
    return event.data


class Custom:
    """Any object of this shape is a handler."""

    source = "com.custom.handler"
    domain: str | None = None
    implements: tuple[ContractVersion[Any, Any], ...] = ()
    calls: tuple[ContractVersion[Any, Any], ...] = ()

    def check(self) -> None: ...

    async def execute(self, event: Event[Any]) -> list[Event[Any]]:
        return []


class Incomplete:
    source = "com.custom.handler"


router = Router("com.billing", [charge_card, write_log, Custom()], execution_units=1)
everything: list[EventHandler] = [charge_card, audit, router, Custom()]
Router("com.billing", [Incomplete()])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
Router([charge_card])  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]

# Domains

assert_type(Domain.LOCAL, None)
assert_type(resolve_domain(Domain.FROM_SELF_CONTRACT, subject="order/1", own="human"), str | None)
assert_type(resolve_domains([None, "audit"], subject="order/1"), tuple[str | None, ...])
resolve_domain(Domain.FROM_SELF_CONTRACT)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
