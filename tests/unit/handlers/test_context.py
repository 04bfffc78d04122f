from __future__ import annotations

import logging

import pytest

from arvo.handlers import EventDomains, HandlerContext
from arvo.telemetry import Span
from tests.unit.handlers.card_service import TYPE, request


def context() -> HandlerContext:
    return HandlerContext(event=request(id="in-1", domain="audit"), source=TYPE, own_domain="human")


def test_idempotency_key_is_the_id_of_the_event() -> None:
    assert context().idempotency_key == "in-1"


def test_domains_of_contract_and_event_are_told_apart() -> None:
    assert context().domain == EventDomains(own="human", event="audit")


def test_log_records_name_the_event_and_keep_what_the_call_adds(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="arvo"):
        context().logger.info("charged %d", 5, extra={"charge": "ch_1"})
        context().logger.info("nothing added")
    first, second = caplog.records
    assert first.name == "arvo.handlers.com.card.charge"
    assert first.getMessage() == "charged 5"
    assert {name: first.__dict__[name] for name in ("event_id", "event_type", "subject", "charge")} == {
        "event_id": "in-1",
        "event_type": TYPE,
        "subject": "order/1",
        "charge": "ch_1",
    }
    assert second.__dict__["event_id"] == "in-1"


def test_span_takes_attributes_even_when_nothing_records() -> None:
    span = context().span
    assert isinstance(span, Span)
    span.set_attribute("charge", "ch_1")
    assert not span.is_recording()


def test_context_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        context().source = "com.other.source"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
