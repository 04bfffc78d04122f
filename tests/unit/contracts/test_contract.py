"""Contracts: their names, their versions, and everything an author can get wrong about them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.contracts import Contract, OneOf, Payload, ServiceError, SimpleContract, one_of
from arvo.errors import DefinitionError
from arvo.events import SemanticVersion
from tests.unit.contracts.samples import CardCharged, CardDeclined, ChargeCard, WriteLog, charge, charge_v1, log_v1

NUMBERS = st.integers(min_value=0, max_value=50)


class Success(Payload):
    charge_id: str


def versioned(*numbers: str) -> Contract:
    contract = Contract(uri="#/log", type="com.log.write")
    for number in numbers:
        contract.version(number, accepts=WriteLog, emits=None)
    return contract


@given(st.sets(st.tuples(NUMBERS, NUMBERS, NUMBERS).filter(any), min_size=1))
def test_versions_are_in_semantic_order_however_they_are_declared(numbers: set[tuple[int, int, int]]) -> None:
    contract = versioned(*(".".join(map(str, number)) for number in numbers))
    assert [SemanticVersion.parse(number) for number in contract.versions] == sorted(
        SemanticVersion(*number) for number in numbers
    )
    assert contract.get("oldest").version == ".".join(map(str, min(numbers)))
    assert contract.get("latest") is contract.get("any") is contract.versions[".".join(map(str, max(numbers)))]


def test_a_version_is_found_by_its_number() -> None:
    assert charge.get("1.0.0") is charge_v1 is charge.versions["1.0.0"]


@pytest.mark.parametrize("number", ["0.0.0", "9.9.9", "newest", ""])
def test_an_unknown_version_is_refused_with_those_that_exist(number: str) -> None:
    with pytest.raises(DefinitionError, match=r"#/log.* only 1\.0\.0, 2\.0\.0"):
        versioned("2.0.0", "1.0.0").get(number)


def test_a_contract_without_versions_has_none_to_give() -> None:
    with pytest.raises(DefinitionError, match=r"has no versions\. Declare"):
        versioned().get("latest")


def test_versions_cannot_be_added_behind_the_contracts_back() -> None:
    versions: Any = charge.versions
    with pytest.raises(TypeError):
        versions["3.0.0"] = charge_v1


def test_metadata_is_the_contracts_own() -> None:
    given_metadata = {"owner": "payments"}
    contract = Contract(uri="#/a", type="com.a.b", metadata=given_metadata)
    given_metadata["owner"] = "nobody"
    assert contract.metadata == {"owner": "payments"}
    changeable: Any = contract.metadata
    with pytest.raises(TypeError):
        changeable["owner"] = "nobody"


def test_contracts_are_compared_by_identity() -> None:
    assert versioned("1.0.0") != versioned("1.0.0")
    assert len({charge, charge, versioned()}) == 2


def test_a_version_knows_its_names() -> None:
    assert charge_v1.dataschema == "#/services/card.charge/1.0.0"
    assert charge_v1.error_dataschema == "#/services/card.charge/0.0.0"
    assert charge_v1.accepted_type == "com.card.charge"
    assert charge_v1.system_error_type == "sys.com.card.charge.error"
    assert charge_v1.emits == (CardCharged, CardDeclined)
    assert tuple(charge_v1.emit_types) == charge_v1.emits
    assert list(charge_v1.emit_types.values()) == ["evt.card.charge.success", "evt.card.charge.declined"]
    assert log_v1.emits == ()


def test_one_payload_class_may_serve_several_versions() -> None:
    contract = Contract(uri="#/a", type="com.a.b")
    first = contract.version("1.0.0", accepts=ChargeCard, emits=CardCharged)
    second = contract.version("2.0.0", accepts=ChargeCard, emits=CardCharged)
    assert (first.accepts, first.emits) == (second.accepts, second.emits)


def test_a_simple_contract_names_its_events_by_convention() -> None:
    contract = SimpleContract(
        "card.charge", uri="#/c", domain="eu", description="d", metadata={"rootType": "x", "a": 1}
    )
    version = contract.version("1.0.0", accepts=ChargeCard, emits=Success)
    assert (contract.type, contract.success_type) == ("com.card.charge", "evt.card.charge.success")
    assert version.emit_types == {Success: "evt.card.charge.success"}
    assert contract.metadata == {"rootType": "card.charge", "a": 1, "contractType": "SimpleArvoContract"}
    assert (contract.domain, contract.description) == ("eu", "d")


@pytest.mark.parametrize(
    ("emits", "message"),
    [
        (CardDeclined, "emits CardDeclined as 'evt.card.charge.declined', but a SimpleContract emits"),
        (one_of(CardCharged, Success), "both as CardCharged and as Success"),
    ],
)
def test_a_simple_contract_emits_nothing_else(emits: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        SimpleContract("card.charge", uri="#/c").version("1.0.0", accepts=ChargeCard, emits=emits)


class Undeclared(Payload):
    pass


class Stolen(Payload, event_type="arvo.orc.order.done"):
    pass


class ChargedAgain(Payload, event_type="evt.card.charge.success"):
    pass


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ({"version": "1.0"}, r"'1.0', which is not a semantic version. Write it as three numbers"),
        ({"version": "1.0.0\n"}, "is not a semantic version"),
        ({"version": "\u0661.0.0"}, "is not a semantic version"),
        ({"version": "0.0.0"}, "reserved for system errors"),
        ({"accepts": int}, "names <class 'int'> where a payload class belongs"),
        ({"accepts": CardCharged(charge_id="c")}, "where a payload class belongs"),
        ({"emits": (CardCharged, CardDeclined)}, "where a payload class belongs"),
        ({"accepts": ServiceError}, "names ServiceError, but every service may answer with"),
        ({"emits": OneOf((CardCharged, ServiceError))}, "names ServiceError, but every service may answer with"),
        ({"emits": Undeclared}, r"emits Undeclared, which has no event type. Give it one: class Undeclared\(Payload"),
        ({"emits": Stolen}, "types below 'arvo.orc' belong to orchestrators"),
        ({"emits": OneOf((CardCharged, ChargedAgain))}, "both as CardCharged and as ChargedAgain"),
        ({"emits": OneOf((CardCharged, CardCharged))}, "both as CardCharged and as CardCharged"),
    ],
)
def test_a_wrong_version_is_refused_with_a_way_out(declaration: dict[str, Any], message: str) -> None:
    contract = Contract(uri="#/c", type="com.c.d")
    options: dict[str, Any] = {"version": "1.0.0", "accepts": ChargeCard, "emits": CardCharged, **declaration}
    with pytest.raises(DefinitionError, match=message):
        contract.version(options.pop("version"), **options)
    assert not contract.versions


def test_a_version_can_be_declared_only_once() -> None:
    contract = versioned("1.0.0")
    with pytest.raises(DefinitionError, match=r"#/log/1\.0\.0 is declared twice"):
        contract.version("1.0.0", accepts=ChargeCard, emits=None)
    assert contract.get("1.0.0").accepts is WriteLog


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ({"uri": ""}, "uri"),
        ({"uri": "#/a b"}, "uri"),
        ({"type": "com.a"}, "type"),
        ({"type": "com.a.b\n"}, "type"),
        ({"type": "arvo.orc.order"}, "type"),
        ({"domain": ""}, "domain"),
        ({"domain": "Human"}, "domain"),
        ({"domain": "..."}, "domain"),
    ],
)
def test_a_wrong_name_is_refused_with_its_place(names: dict[str, str], path: str) -> None:
    options: dict[str, Any] = {"uri": "#/c", "type": "com.c.d", **names}
    with pytest.raises(DefinitionError) as refused:
        Contract(**options)
    assert [issue.path for issue in refused.value.issues] == [(path,)]
    assert repr(next(iter(names.values()))) in str(refused.value) or names == {"uri": ""}
