"""Right and wrong uses of `arvo.contracts`, checked by mypy and pyright, never run.

A wrong use carries ignores for both checkers; a checker that does not report it reports the needless ignore instead
(`pyrightconfig.json` in this folder sees to that).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Never, assert_never, assert_type

from pydantic.alias_generators import to_camel

from arvo.contracts import (
    Contract,
    ContractVersion,
    OneOf,
    OrchestratorContract,
    OrchestratorVersion,
    Payload,
    Service,
    ServiceError,
    Services,
    SimpleContract,
    WithParentSubject,
    one_of,
    read_payload,
    services,
)
from arvo.events import Event, JsonObject


class ChargeCard(Payload):
    amount_cents: int


class ChargeCardV2(ChargeCard):
    currency: str = "EUR"


class CardCharged(Payload, event_type="evt.card.charge.success"):
    charge_id: str


class CardDeclined(Payload, event_type="evt.card.charge.declined"):
    reason: str


class ReserveStock(Payload, alias_generator=to_camel):
    stock_unit: str


class StockReserved(Payload, event_type="evt.stock.reserve.success"):
    hold_id: str


class WriteLog(Payload):
    line: str


class PlaceOrder(Payload):
    order_id: str


class OrderPlaced(Payload):
    charge_id: str


class OrderFailed(Payload, event_type="arvo.orc.order.failed"):
    reason: str


charge = Contract(uri="#/services/card.charge", type="com.card.charge")
charge_v1 = charge.version("1.0.0", accepts=ChargeCard, emits=one_of(CardCharged, CardDeclined))
charge_v2 = charge.version("2.0.0", accepts=ChargeCardV2, emits=CardCharged)
reserve_v1 = SimpleContract("stock.reserve", uri="#/services/stock").version(
    "1.0.0", accepts=ReserveStock, emits=StockReserved
)
log_v1 = Contract(uri="#/log", type="com.log.write").version("1.0.0", accepts=WriteLog, emits=None)
order_v1 = OrchestratorContract("order", uri="#/order").version(
    "1.0.0", accepts=PlaceOrder, emits=one_of(OrderPlaced, OrderFailed)
)

# --- contracts and versions

assert_type(one_of(CardCharged), OneOf[CardCharged])
assert_type(one_of(CardCharged, CardDeclined), OneOf[CardCharged | CardDeclined])
assert_type(
    one_of(CardCharged, CardDeclined, StockReserved, WriteLog, PlaceOrder, OrderPlaced, OrderFailed, ChargeCard),
    OneOf[CardCharged | CardDeclined | StockReserved | WriteLog | PlaceOrder | OrderPlaced | OrderFailed | ChargeCard],
)
assert_type(charge_v1, ContractVersion[ChargeCard, CardCharged | CardDeclined])
assert_type(charge_v2, ContractVersion[ChargeCardV2, CardCharged])
assert_type(reserve_v1, ContractVersion[ReserveStock, StockReserved])
assert_type(log_v1, ContractVersion[WriteLog, Never])
assert_type(order_v1, OrchestratorVersion[PlaceOrder, OrderPlaced | OrderFailed])
assert_type(charge_v1.accepts, type[ChargeCard])
assert_type(charge_v1.emits, tuple[type[CardCharged | CardDeclined], ...])
assert_type(charge.get("latest"), ContractVersion[Any, Any])
assert_type(charge.versions, Mapping[str, ContractVersion[Any, Any]])

# --- events

request = charge_v1.request(ChargeCard(amount_cents=999), source="com.web.checkout")
assert_type(request, Event[ChargeCard])
assert_type(request.data.amount_cents, int)
assert_type(charge_v1.reply(CardCharged(charge_id="c"), to=request), Event[CardCharged | CardDeclined])
assert_type(charge_v2.emit(CardCharged(charge_id="c"), source="com.card.charge"), Event[CardCharged])
assert_type(log_v1.request(WriteLog(line="x"), source="com.web.checkout"), Event[WriteLog])
assert_type(log_v1.system_error(ValueError("x"), to=request), Event[ServiceError])
assert_type(
    order_v1.request(PlaceOrder(order_id="o"), source="arvo.orc.shop", parent_subject=request.subject, domain=None),
    Event[PlaceOrder],
)
# Aliases are the wire's business: Python code uses Python names.
reserve_v1.request(ReserveStock(stock_unit="s"), source="com.web.checkout", executionunits=0.5, extensions={"x": 1})


def reads(event: Event[JsonObject]) -> str:
    assert_type(charge_v1.parse_accepted(event), Event[ChargeCard])
    assert_type(log_v1.parse_emitted(event), Event[ServiceError])
    assert_type(read_payload(ChargeCard, b"{}"), ChargeCard)
    answer = charge_v1.parse_emitted(event)
    assert_type(answer, Event[CardCharged | CardDeclined | ServiceError])
    match answer.data:
        case CardCharged(charge_id=charge_id):
            return charge_id
        case CardDeclined() as declined:
            return declined.reason
        case ServiceError(error_message=message):
            return message
        case _:
            assert_never(answer.data)


def forgets_an_answer(event: Event[JsonObject]) -> str:
    answer = charge_v1.parse_emitted(event)
    match answer.data:
        case CardCharged(charge_id=charge_id):
            return charge_id
        case ServiceError(error_message=message):
            return message
        case _:
            assert_never(answer.data)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def knows_its_parent(event: Event[PlaceOrder]) -> str | None:
    assert_type(order_v1.parent_subject_of(event.data), str | None)
    return event.data.parent_subject if isinstance(event.data, WithParentSubject) else None


# --- services

assert_type(services(), Services[Never, Never])
assert_type(services(log_v1), Services[WriteLog, Never])
assert_type(
    services(reserve_v1, charge_v1, log_v1),
    Services[ReserveStock | ChargeCard | WriteLog, StockReserved | CardCharged | CardDeclined],
)
assert_type(services(order_v1, charge_v2), Services[PlaceOrder | ChargeCardV2, OrderPlaced | OrderFailed | CardCharged])

# A service is read-only, so one that accepts and emits less will do where more is expected.
seen: Service[ChargeCard | ReserveStock, CardCharged | CardDeclined | StockReserved] = charge_v1
wider: Services[ChargeCard | ReserveStock, CardCharged | CardDeclined | StockReserved] = services(charge_v1)

# --- wrong uses


def wrong_uses(event: Event[JsonObject]) -> None:
    # 1. a request with what another contract accepts
    charge_v1.request(ReserveStock(stock_unit="s"), source="a.b.c")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # 2. a request without a source
    charge_v1.request(ChargeCard(amount_cents=1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 3. a request whose type the caller wants to choose
    charge_v1.request(ChargeCard(amount_cents=1), source="a.b.c", type="com.evil")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 4. a reply with what the version does not emit
    charge_v2.reply(CardDeclined(reason="r"), to=request)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # 5. a reply from a version that emits nothing
    log_v1.reply(CardCharged(charge_id="c"), to=request)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # 6. a reply to nothing in particular
    charge_v1.reply(CardCharged(charge_id="c"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 7. an answer to an address instead of an event
    charge_v1.reply(CardCharged(charge_id="c"), to="com.web.checkout")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # 8. a parent for what is no workflow
    charge_v1.request(ChargeCard(amount_cents=1), source="a.b.c", parent_subject="s")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 9. an instance where a payload class belongs
    charge.version("3.0.0", accepts=ChargeCard(amount_cents=1), emits=CardCharged)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    # 10. a class that is no payload
    charge.version("3.0.0", accepts=int, emits=CardCharged)  # type: ignore[type-var]  # pyright: ignore[reportCallIssue, reportArgumentType]
    # 11. a version that does not say what it emits
    charge.version("3.0.0", accepts=ChargeCard)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    # 12. several classes without one_of
    charge.version("3.0.0", accepts=ChargeCard, emits=(CardCharged, CardDeclined))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    # 13. one_of with an instance
    one_of(CardCharged, CardDeclined(reason="r"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    # 14. a contract among services
    services(charge_v1, charge)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    # 15. a payload class among services
    services(ChargeCard)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    # 16. a payload without what it must have
    ChargeCard()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 17. a payload under its wire name
    ReserveStock(stockUnit="s")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 18. a change to a contract
    charge.uri = "#/other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    # 19. a change to a version
    charge_v1.accepts = ChargeCardV2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    # 20. a new version without declaring it
    charge.versions["3.0.0"] = charge_v1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    # 21. data that the event does not have
    _ = charge_v1.parse_accepted(event).data.currency  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    # 22. an answer taken for one of its kinds before looking
    _ = charge_v1.parse_emitted(event).data.charge_id  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
    # 23. a narrower version where a wider one is expected: it could not take every request
    narrow: ContractVersion[ChargeCard | ReserveStock, CardCharged | CardDeclined] = charge_v1  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # 24. a service that answers more than is expected
    few: Service[ChargeCard, CardCharged] = charge_v1  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    # 25. services that accept what is not expected
    fewer: Services[ChargeCard, StockReserved | CardCharged] = services(reserve_v1, charge_v2)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    # 26. a simple contract without a name
    SimpleContract(uri="#/x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 27. a contract with positional parameters
    Contract("#/x", "com.x.y")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    # 28. an attribute of the wrong type
    charge_v1.request(ChargeCard(amount_cents=1), source="a.b.c", executionunits="2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    # 29. an error that is none
    charge_v1.system_error("boom", to=request)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    del narrow, few, fewer
