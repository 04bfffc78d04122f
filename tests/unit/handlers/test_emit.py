from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from arvo.errors import ContractViolation, InvalidEvent
from arvo.events import Event, managed_event_id, parse_managed_event_id, split_delay
from arvo.handlers import Domain, Emit, Handler
from tests.unit.handlers.card_service import (
    CLIENT,
    CardCharged,
    CardDeclined,
    StockReserved,
    answering,
    human_charge,
    human_charge_v1,
    request,
)

CHARGED = CardCharged(charge_id="ch_1")


async def emitted(emit: Emit[Any], asked: Event[Any] | None = None, **settings: Any) -> list[Event[Any]]:
    return await answering(emit, **settings).execute(request() if asked is None else asked)


@pytest.mark.parametrize(
    ("directives", "attribute", "value"),
    [
        ({"to": "com.ledger.book"}, "to", "com.ledger.book"),
        ({"redirectto": "com.next.hop"}, "redirectto", "com.next.hop"),
        ({"accesscontrol": "role:admin"}, "accesscontrol", "role:admin"),
        ({"execution_units": 0}, "executionunits", 0),
        ({"execution_units": 7.5}, "executionunits", 7.5),
        ({"extensions": {"tenant": "x", "retries": 2}}, "extensions", {"tenant": "x", "retries": 2}),
        ({"time": "2020-01-01T00:00:00Z"}, "time", "2020-01-01T00:00:00Z"),
        ({"id": "out-1"}, "id", "out-1"),
        ({"domain": "audit"}, "domain", "audit"),
        ({"domain": None}, "domain", None),
    ],
    ids=str,
)
async def test_directive_decides(directives: dict[str, Any], attribute: str, value: object) -> None:
    asked = request(redirectto="com.redirect.here", accesscontrol="role:cashier")
    (answer,) = await emitted(Emit(CHARGED, **directives), asked, execution_units=100, domains=["elsewhere"])
    assert getattr(answer, attribute) == value
    assert answer.data is CHARGED


async def test_an_answer_can_be_held_back() -> None:
    (answer,) = await emitted(Emit(CHARGED, deliver_after=timedelta(minutes=1), extensions={"tenant": "x"}))
    arriving, delay = split_delay(answer)
    assert (dict(arriving.extensions), delay) == ({"tenant": "x"}, timedelta(minutes=1))


async def test_each_copy_of_an_answer_is_held_back() -> None:
    copies = await emitted(Emit(CHARGED, deliver_after=timedelta(0), domain=[None, "audit"]))
    assert [split_delay(copy)[1] for copy in copies] == [timedelta(0)] * 2


@pytest.mark.parametrize("after", [timedelta(seconds=-1), timedelta.max, 60, "1h"], ids=str)
async def test_what_is_no_time_is_refused(after: Any) -> None:
    with pytest.raises(InvalidEvent, match="not a timedelta between zero and a hundred years") as refused:
        await emitted(Emit(CHARGED, deliver_after=after))
    assert [issue.path for issue in refused.value.issues] == [("deliverafter",)]


async def test_an_answer_has_no_deadline() -> None:
    with pytest.raises(ContractViolation, match=r"'com\.card\.charge' emitted CardCharged with a deadline, which only"):
        await emitted(Emit(CHARGED, deadline=timedelta(minutes=1)))


async def test_emit_without_directives_is_the_payload_itself() -> None:
    asked = request(redirectto="com.redirect.here", accesscontrol="role:cashier")
    (plain,) = await answering(CHARGED, execution_units=2).execute(asked)
    (wrapped,) = await emitted(Emit(CHARGED), asked, execution_units=2)
    assert wrapped.replace(time=plain.time) == plain


async def test_managed_id_is_kept() -> None:
    (answer,) = await emitted(Emit(CHARGED, id=managed_event_id("charge-of-order-1")))
    managed = parse_managed_event_id(answer.id)
    assert managed is not None
    assert managed.value == "charge-of-order-1"


async def test_each_domain_gets_a_copy_with_an_id_of_its_own() -> None:
    copies = await emitted(Emit(CHARGED, domain=[None, "audit", "ledger"]))
    assert [copy.domain for copy in copies] == [None, "audit", "ledger"]
    assert len({copy.id for copy in copies}) == 3
    assert all(copy.data is CHARGED for copy in copies)


async def test_given_id_belongs_to_the_first_copy_and_the_others_derive_from_it() -> None:
    asked = request()
    first, second, third = await emitted(Emit(CHARGED, id="out-1", domain=["audit", None, "ledger"]), asked)
    again = await emitted(Emit(CHARGED, id="out-1", domain=["audit", None, "ledger"]), request())
    assert first.id == "out-1"
    assert UUID(second.id).version == UUID(third.id).version == 5
    assert second.id != third.id
    assert [copy.id for copy in again] == [first.id, second.id, third.id]


async def test_empty_domains_emit_nothing() -> None:
    assert await emitted(Emit(CHARGED, domain=[])) == []
    assert await answering(CHARGED, domains=[]).execute(request()) == []


async def test_domains_that_resolve_to_the_same_give_one_event() -> None:
    rules = [None, Domain.FROM_SELF_CONTRACT, Domain.FROM_TRIGGERING_EVENT, "audit", Domain.FROM_EVENT_CONTRACT]
    copies = await emitted(Emit(CHARGED, domain=rules), request(domain="audit"))
    assert [copy.domain for copy in copies] == [None, "audit"]


async def test_contract_domain_is_where_its_symbols_lead() -> None:
    handler = Handler(human_charge, domains=Domain.FROM_SELF_CONTRACT)
    handler.on(human_charge_v1)(human_decision)
    asked = human_charge_v1.request(request().data, source=CLIENT, subject="order/1")
    (answer,) = await handler.execute(asked)
    assert answer.domain == "human"


async def human_decision(*_: object) -> CardDeclined:
    return CardDeclined(reason="no")


async def test_error_domains_are_where_system_errors_go() -> None:
    async def fail(*_: object) -> None:
        raise ValueError("boom")

    handler = Handler(human_charge, error_domains=[None, Domain.FROM_SELF_CONTRACT, "audit", None])
    handler.on(human_charge_v1)(fail)
    copies = await handler.execute(human_charge_v1.request(request().data, source=CLIENT, subject="order/1"))
    assert [copy.domain for copy in copies] == [None, "human", "audit"]
    assert len({copy.id for copy in copies}) == 3


@pytest.mark.parametrize(
    ("given", "sent"), [("my service", "my%20service"), ("my%20service", "my%20service"), ("caf\u00e9", "caf%C3%A9")]
)
async def test_addresses_are_encoded_once(given: str, sent: str) -> None:
    (answer,) = await emitted(Emit(CHARGED, to=given, redirectto=given))
    assert (answer.to, answer.redirectto) == (sent, sent)


async def test_encoded_addresses_of_the_request_are_passed_through() -> None:
    (answer,) = await answering(CHARGED).execute(request(source="my source", subject="a b"))
    assert (answer.to, answer.subject) == ("my%20source", "a%20b")


@pytest.mark.parametrize(
    ("directives", "path"),
    [
        ({"to": ""}, ("to",)),
        ({"redirectto": ""}, ("redirectto",)),
        ({"accesscontrol": ""}, ("accesscontrol",)),
        ({"id": ""}, ("id",)),
        ({"time": "yesterday"}, ("time",)),
        ({"execution_units": "5"}, ("executionunits",)),
        ({"execution_units": float("nan")}, ("executionunits",)),
        ({"domain": "BAD DOMAIN"}, ("domain",)),
        ({"domain": ["audit", "BAD"]}, ("domain",)),
        ({"extensions": {"BAD": 1}}, ("extensions", "BAD")),
        ({"extensions": {"subject": "x"}}, ("extensions", "subject")),
    ],
    ids=str,
)
async def test_directive_that_breaks_the_envelope_is_a_contract_violation(
    directives: dict[str, Any], path: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidEvent) as raised:
        await emitted(Emit(CHARGED, **directives))
    assert [issue.path for issue in raised.value.issues] == [path]


async def test_one_broken_output_keeps_all_of_them_back() -> None:
    with pytest.raises(ContractViolation):
        await answering([CHARGED, Emit(StockReserved(hold_id="h"))]).execute(request())
