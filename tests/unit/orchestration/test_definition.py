"""What is refused while a workflow is put together, and that the message says why."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, ContractVersion, OrchestratorContract, services
from arvo.errors import DefinitionError
from arvo.orchestration import Done, Resumable, Turn
from tests.unit.orchestration.orders import (
    OrderPlaced,
    OrderState,
    PlaceOrder,
    advance,
    charge_v1,
    order,
    order_services,
    order_v1,
    order_workflow,
    request,
    reserve,
    reserve_v1,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def _on(**changes: Any) -> Callable[[Any], Any]:
    settings: dict[str, Any] = {"state": OrderState, "services": order_services, **changes}
    return Resumable(order).on(order_v1, **settings)


def test_a_contract_that_starts_no_workflow_is_refused() -> None:
    plain = Contract(uri="#/plain", type="com.plain.thing")
    with pytest.raises(DefinitionError, match="needs an OrchestratorContract"):
        Resumable(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(DefinitionError, match="'NOT A DOMAIN'"):
        Resumable(order, call_domains="NOT A DOMAIN")


def test_a_version_of_another_contract_is_refused() -> None:
    other_v1 = OrchestratorContract("other", uri="#/other").version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    with pytest.raises(DefinitionError, match=r"'#/other'.*pass a version of '#/orchestrators/order'"):
        Resumable(order).on(other_v1, state=OrderState)


def test_a_second_function_for_a_version_is_refused() -> None:
    workflow = order_workflow()
    with pytest.raises(DefinitionError, match=r"already has a function for version 1\.0\.0"):
        workflow.on(order_v1, state=OrderState, services=order_services)


def test_a_workflow_cannot_call_itself() -> None:
    with pytest.raises(DefinitionError, match="has itself as a service"):
        _on(services=services(order_v1))


def test_a_service_that_its_contract_does_not_know_is_refused() -> None:
    forged = ContractVersion(
        contract=reserve,
        version="9.0.0",
        accepts=reserve_v1.accepts,
        emits=reserve_v1.emits,
        wire_accepts=reserve_v1.wire_accepts,
        emit_types=reserve_v1.emit_types,
    )
    with pytest.raises(DefinitionError, match=r"stock\.reserve/9\.0\.0 is not a version of its contract.*1\.0\.0"):
        _on(services=services(forged))


def test_a_function_that_cannot_be_awaited_is_refused() -> None:
    def plain(turn: Any) -> Any:
        return advance(turn)

    with pytest.raises(DefinitionError, match=r"version 1\.0\.0: .*plain is not an async function"):
        _on()(plain)


def test_a_partial_of_a_function_is_taken() -> None:
    async def with_settings(limit: int, turn: Any) -> Any:
        return limit, turn

    _on()(partial(with_settings, 5))


def test_the_decorated_function_stays_as_it_is() -> None:
    assert _on()(advance) is advance


def test_a_version_without_a_function_is_refused_when_bound() -> None:
    grown = OrchestratorContract("grown", uri="#/grown")
    grown_v1 = grown.version("1.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    grown.version("2.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    grown.version("3.0.0", accepts=PlaceOrder, emits=OrderPlaced)
    workflow = Resumable(grown)

    @workflow.on(grown_v1, state=OrderState)
    async def finish(_: Turn[PlaceOrder, OrderState]) -> Done[OrderPlaced]:
        return Done(OrderPlaced(charge_id="c"))

    with pytest.raises(DefinitionError, match=r"has no function for versions 2\.0\.0, 3\.0\.0"):
        workflow.bind(InMemoryMachineMemory())


def test_the_definition_tells_what_it_implements_and_calls() -> None:
    workflow = order_workflow()
    assert (workflow.source, workflow.domain) == ("arvo.orc.order", None)
    assert (workflow.implements, workflow.calls) == ((order_v1,), (reserve_v1, charge_v1))
    assert list(workflow.versions) == ["1.0.0"]


def test_a_state_that_is_no_model_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"dict.*not a Pydantic model class"):
        _on(state=dict)


class Handle:
    """Something that JSON cannot hold."""


class WithHandle(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    handle: Handle


class WithExcluded(BaseModel):
    secret: str = Field(exclude=True)


class WithTwoNames(BaseModel):
    sku: str = Field(validation_alias="sku_in", serialization_alias="sku_out")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (WithHandle, "JsonSchema"),
        (WithExcluded, "secret: is excluded, so it would be gone after each turn"),
        (WithTwoNames, "sku: is written as 'sku_out' but not read under that name"),
    ],
)
def test_a_state_that_would_not_survive_json_is_refused(state: type[BaseModel], reason: str) -> None:
    with pytest.raises(DefinitionError, match=reason) as caught:
        _on(state=state)
    assert caught.value.issues


class WithChoices(BaseModel):
    sku: str = Field(validation_alias=AliasChoices("item", "sku"), serialization_alias="item")


def test_a_state_that_reads_what_it_writes_is_taken() -> None:
    _on(state=WithChoices)


def test_a_definition_is_not_changed_by_being_bound() -> None:
    workflow = order_workflow()
    first, second = workflow.bind(InMemoryMachineMemory()), workflow.bind(InMemoryMachineMemory())
    assert first.workflow is second.workflow is workflow
    assert first.memory is not second.memory
    assert not hasattr(first, "bind")
    assert request().type == first.source
