"""Contracts of workflows: starting one, starting one from another, and how both report back."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, PrivateAttr

from arvo.contracts import OrchestratorContract, Payload, WithParentSubject, one_of
from arvo.errors import ContractViolation, DefinitionError, InvalidSubject
from arvo.events import Event, Subject
from tests.unit.contracts.samples import OrderFailed, OrderPlaced, PlaceOrder, WriteLog, order, order_v1

PARENT = Subject.new(
    name="arvo.orc.shop", version="2.0.0", initiator="com.web.shop", domain="eu", meta={"tenant": "t"}
).encode()
ROOT = order_v1.request(PlaceOrder(order_id="o"), source="com.web.shop")
CHILD = order_v1.request(PlaceOrder(order_id="o"), source="arvo.orc.shop", parent_subject=PARENT)


class OwnParent(Payload):
    order_id: str
    parent: str = Field(validation_alias="parentSubject$$", serialization_alias="parentSubject$$")


def over_the_wire(event: Event[Any]) -> Event[Any]:
    return Event.from_json(event.to_json())


def test_names_are_derived() -> None:
    assert (order.type, order.completion_type) == ("arvo.orc.order", "arvo.orc.order.done")
    assert order.system_error_type == "sys.arvo.orc.order.error"
    assert order_v1.emits == (OrderPlaced, OrderFailed)
    assert list(order_v1.emit_types.values()) == ["arvo.orc.order.done", "arvo.orc.order.failed"]
    assert order.metadata == {
        "contractType": "ArvoOrchestratorContract",
        "rootType": "order",
        "completeEventType": "arvo.orc.order.done",
        "initEventType": "arvo.orc.order",
    }


@pytest.mark.parametrize("name", ["", "Order", ".x", "x.", "a..b", "order flow", "order\n", "é"])
def test_names_that_make_no_event_type_are_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="cannot be part of an event type") as refused:
        OrchestratorContract(name, uri="#/o")
    assert [issue.path for issue in refused.value.issues] == [("name",)]


class Elsewhere(Payload, event_type="evt.order.placed"):
    pass


class OtherWorkflow(Payload, event_type="arvo.orc.orders.done"):
    pass


class Conflicting(Payload):
    parent_subject: str


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"emits": OrderFailed}, "never emits 'arvo.orc.order.done', so no caller could learn that it is done"),
        ({"emits": None}, "never emits 'arvo.orc.order.done'"),
        ({"emits": one_of(OrderPlaced, Elsewhere)}, "a workflow's own events have types below 'arvo.orc.order'"),
        ({"emits": OtherWorkflow}, "a workflow's own events have types below 'arvo.orc.order'"),
        ({"emits": one_of(OrderPlaced, WriteLog)}, "both as OrderPlaced and as WriteLog"),
        ({"accepts": Conflicting}, r"Conflicting\.parent_subject has the name"),
    ],
)
def test_a_wrong_version_is_refused_with_a_way_out(declaration: dict[str, Any], message: str) -> None:
    contract = OrchestratorContract("order", uri="#/o")
    options: dict[str, Any] = {"accepts": PlaceOrder, "emits": OrderPlaced, **declaration}
    with pytest.raises(DefinitionError, match=message):
        contract.version("1.0.0", **options)
    assert not contract.versions


def test_a_root_is_its_own_process() -> None:
    subject = Subject.parse(ROOT.subject)
    assert (subject.name, subject.version, subject.initiator) == ("arvo.orc.order", "1.0.0", "com.web.shop")
    assert (subject.domain, subject.meta, ROOT.domain) == (None, {}, None)
    assert ROOT.to_dict()["data"] == {"parentSubject$$": None, "order_id": "o"}


def test_a_child_takes_over_from_its_parent_and_reports_to_it() -> None:
    subject = Subject.parse(CHILD.subject)
    assert (subject.name, subject.initiator, subject.domain) == ("arvo.orc.order", "arvo.orc.shop", "eu")
    assert subject.meta == {"tenant": "t", "redirectto": "arvo.orc.shop"}
    assert (CHILD.domain, CHILD.redirectto) == (None, None)
    assert CHILD.to_dict()["data"] == {"parentSubject$$": PARENT, "order_id": "o"}


@pytest.mark.parametrize("domain", [None, "us"])
def test_a_given_domain_replaces_the_parents_and_none_is_given_too(domain: str | None) -> None:
    event = order_v1.request(PlaceOrder(order_id="o"), source="arvo.orc.shop", parent_subject=PARENT, domain=domain)
    assert (event.domain, Subject.parse(event.subject).domain) == (domain, domain)


def test_somebody_else_may_be_named_for_the_output() -> None:
    event = order_v1.request(
        PlaceOrder(order_id="o"), source="arvo.orc.shop", parent_subject=PARENT, redirectto="com.web.desk"
    )
    assert (event.redirectto, Subject.parse(event.subject).meta["redirectto"]) == ("com.web.desk", "com.web.desk")


def test_a_given_subject_is_used_as_it_is() -> None:
    event = order_v1.request(PlaceOrder(order_id="o"), source="x", subject="given", parent_subject=PARENT)
    assert (event.subject, event.to_dict()["data"]["parentSubject$$"]) == ("given", PARENT)


@pytest.mark.parametrize("parent", ["garbage", ""])
def test_a_parent_that_is_no_workflow_is_refused(parent: str) -> None:
    with pytest.raises(InvalidSubject):
        order_v1.request(PlaceOrder(order_id="o"), source="arvo.orc.shop", subject="given", parent_subject=parent)


@pytest.mark.parametrize("event", [CHILD, over_the_wire(CHILD)])
def test_accepted_data_is_the_users_class_and_knows_the_parent(event: Event[Any]) -> None:
    data = order_v1.parse_accepted(event).data
    assert isinstance(data, WithParentSubject)
    assert data.parent_subject == order_v1.parent_subject_of(data) == PARENT
    assert isinstance(data, PlaceOrder)
    assert type(data).__name__ == "PlaceOrder"


@pytest.mark.parametrize("wrong", [{"order_id": "o"}, {"order_id": "o", "parentSubject$$": ""}])
def test_accepted_data_says_whether_there_is_a_parent(wrong: dict[str, Any]) -> None:
    with pytest.raises(ContractViolation) as refused:
        order_v1.parse_accepted(Event(type="arvo.orc.order", source="a", subject="s", data=wrong))
    assert [issue.path for issue in refused.value.issues] == [("parentSubject$$",)]


def test_data_that_was_received_can_be_sent_on() -> None:
    received = order_v1.parse_accepted(over_the_wire(CHILD)).data
    assert order_v1.request(received, source="a.b.c").to_dict()["data"]["parentSubject$$"] == PARENT
    again = order_v1.request(received, source="a.b.c", parent_subject=ROOT.subject)
    assert again.to_dict()["data"] == {"parentSubject$$": ROOT.subject, "order_id": "o"}


@pytest.mark.parametrize("wrong", [WriteLog(line="x"), {"order_id": "o"}])
def test_a_workflow_is_started_with_the_accepted_class_itself(wrong: Any) -> None:
    with pytest.raises(ContractViolation, match="accepts PlaceOrder, not"):
        order_v1.request(wrong, source="com.web.shop")


def test_private_attributes_and_extras_survive() -> None:
    class Rich(Payload, extra="allow"):
        order_id: str
        _note: str = PrivateAttr(default="n")

        @property
        def note(self) -> str:
            return self._note

    version = OrchestratorContract("rich", uri="#/r").version("1.0.0", accepts=Rich, emits=OrderPlaced)
    data = version.request(Rich.model_validate({"order_id": "o", "more": 1}), source="a.b.c").data
    assert (data.model_extra, data.note) == ({"more": 1}, "n")
    assert data.model_dump() == {"parentSubject$$": None, "order_id": "o", "more": 1}


def test_a_class_may_declare_the_parent_itself() -> None:
    version = OrchestratorContract("own", uri="#/o").version("1.0.0", accepts=OwnParent, emits=OrderPlaced)
    assert version.wire_accepts is OwnParent
    event = version.request(OwnParent(order_id="o", parent=PARENT), source="arvo.orc.shop")
    assert Subject.parse(event.subject).initiator == "arvo.orc.shop"
    assert version.parent_subject_of(event.data) == PARENT


@pytest.mark.parametrize("event", [CHILD, over_the_wire(CHILD)])
def test_a_childs_output_goes_to_its_parent_on_the_parents_subject(event: Event[Any]) -> None:
    done = order_v1.reply(OrderPlaced(charge_id="c"), to=event)
    assert (done.type, done.source, done.to) == ("arvo.orc.order.done", "arvo.orc.order", "arvo.orc.shop")
    assert (done.subject, done.parentid) == (PARENT, CHILD.id)


def test_a_roots_output_goes_to_its_initiator_or_to_whom_it_named() -> None:
    done = order_v1.reply(OrderPlaced(charge_id="c"), to=ROOT)
    assert (done.to, done.subject) == ("com.web.shop", ROOT.subject)
    named = order_v1.request(PlaceOrder(order_id="o"), source="com.web.shop", redirectto="com.web.desk")
    assert order_v1.reply(OrderFailed(reason="r"), to=named).to == "com.web.desk"


def test_a_failure_goes_to_the_initiator() -> None:
    event = order_v1.request(PlaceOrder(order_id="o"), source="x", parent_subject=PARENT, redirectto="com.web.desk")
    failed = order_v1.system_error(ValueError("boom"), to=event)
    assert (failed.type, failed.to, failed.subject) == ("sys.arvo.orc.order.error", "arvo.orc.shop", PARENT)
    assert failed.dataschema == "#/orders/0.0.0"


def test_an_output_needs_the_event_that_started_the_workflow() -> None:
    with pytest.raises(InvalidSubject):
        order_v1.reply(OrderPlaced(charge_id="c"), to=ROOT.replace(subject="plain"))
