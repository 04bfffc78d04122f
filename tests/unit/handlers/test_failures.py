# ruff: noqa: ARG001 - the functions of handlers take what handlers give them, needed or not

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from arvo.contracts import Payload, ServiceError
from arvo.errors import (
    ArvoError,
    BackendError,
    ConfigViolation,
    ContractViolation,
    DefinitionError,
    ExecutionViolation,
    TransactionViolation,
    Violation,
)
from tests.unit.handlers.card_service import (
    CLIENT,
    TYPE,
    URI,
    CardCharged,
    ChargeCard,
    answering,
    handled_by,
    raising,
    request,
)

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.handlers import HandlerContext


class RateLimitedError(Violation):
    kind = "RateLimited"


async def test_unexpected_exception_is_answered_with_a_system_error() -> None:
    asked = request(redirectto="com.ledger.book", accesscontrol="role:cashier")
    (answer,) = await raising(KeyError("no such card"), execution_units=3).execute(asked)
    assert isinstance(answer.data, ServiceError)
    assert answer.data.error_name == "KeyError"
    assert answer.data.error_message == "'no such card'"
    assert {name: getattr(answer, name) for name in ("type", "source", "subject", "to", "parentid", "dataschema")} == {
        "type": "sys.com.card.charge.error",
        "source": TYPE,
        "subject": "order/1",
        "to": CLIENT,
        "parentid": asked.id,
        "dataschema": f"{URI}/0.0.0",
    }
    assert answer.executionunits == 3
    assert answer.accesscontrol == "role:cashier"


async def test_system_error_has_a_bounded_traceback_without_locals() -> None:
    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> None:
        card_number = "-".join(["4111", "1111"])
        raise ValueError(f"card {len(card_number)} " + "x" * 100_000)

    (answer,) = await handled_by(function).execute(request())
    stack, message = answer.data.error_stack, answer.data.error_message
    assert "Traceback" in stack
    assert "in function" in stack
    assert "4111-1111" not in stack
    assert len(stack) < 17 * 1024
    assert len(message) < 5 * 1024
    assert message.startswith("card 9 xxx")


async def test_system_error_can_be_sent_whatever_the_message_holds() -> None:
    (answer,) = await raising(ValueError("file \udcff.txt")).execute(request())
    assert answer.data.error_message == "file \\udcff.txt"
    assert b"udcff" in answer.to_json()


async def test_failed_handling_gives_the_same_event_id_as_a_successful_one() -> None:
    """Whichever outcome was published first stands; a retry that ends differently is a duplicate of it."""
    asked = request()
    (failed,), (answered,) = (
        await raising(ValueError("boom")).execute(asked),
        await answering(CardCharged(charge_id="c")).execute(asked),
    )
    assert failed.id == answered.id


async def test_unexpected_exception_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    error = ValueError("boom")
    asked = request()
    with caplog.at_level(logging.WARNING, logger="arvo"):
        await raising(error).execute(asked)
    (record,) = caplog.records
    assert record.name == "arvo.handlers.com.card.charge"
    assert (
        record.getMessage() == "Handler for 'com.card.charge', version 1.0.0, failed; the sender gets a system error."
    )
    assert record.exc_info
    assert record.exc_info[1] is error
    assert getattr(record, "event_id", None) == asked.id


RAISED: list[ArvoError] = [
    ExecutionViolation("later"),
    ConfigViolation("nowhere"),
    ContractViolation("unfit"),
    TransactionViolation("locked", cause="LOCK_UNACQUIRED"),
    RateLimitedError("too fast"),
    BackendError("the database is gone"),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
async def test_violations_and_lost_back_ends_are_raised(error: ArvoError, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(type(error)) as raised:
        await raising(error).execute(request())
    assert raised.value is error
    assert not caplog.records


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
async def test_violation_in_an_exception_group_speaks_for_the_group(error: ArvoError) -> None:
    group = ExceptionGroup("tasks", [ValueError("also"), ExceptionGroup("inner", [KeyError("x"), error])])
    with pytest.raises(type(error)) as raised:
        await raising(group).execute(request())
    assert raised.value is error
    assert raised.value.__cause__ is group


async def test_violation_raised_in_a_task_group_is_raised() -> None:
    async def fail() -> None:
        raise ExecutionViolation("later")

    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    with pytest.raises(ExecutionViolation, match="later"):
        await handled_by(function).execute(request())


async def test_exception_group_without_a_violation_is_answered() -> None:
    (answer,) = await raising(ExceptionGroup("tasks", [ValueError("a"), KeyError("b")])).execute(request())
    assert answer.data.error_name == "ExceptionGroup"


async def test_definition_error_of_the_function_is_answered_like_any_other_bug() -> None:
    (answer,) = await raising(DefinitionError("wrongly put together")).execute(request())
    assert answer.data.error_name == "DefinitionError"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(1)], ids=repr)
async def test_cancellation_and_exit_propagate(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        await raising(error).execute(request())
    assert raised.value is error


async def test_handler_that_is_cancelled_does_not_answer() -> None:
    started = asyncio.Event()

    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(handled_by(function).execute(request()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# Output that could not be built


async def test_declared_output_that_cannot_be_built_is_a_contract_violation() -> None:
    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> CardCharged:
        return CardCharged.model_validate({"charge_id": 5})

    with pytest.raises(
        ContractViolation, match=r"^The output CardCharged does not fit its contract: charge_id: "
    ) as it:
        await handled_by(function).execute(request())
    assert [issue.path for issue in it.value.issues] == [("charge_id",)]
    assert type(it.value.__cause__).__name__ == "ValidationError"


async def test_other_model_that_cannot_be_built_is_answered() -> None:
    class BankReply(Payload):
        charge_id: str

    async def function(event: Event[ChargeCard], ctx: HandlerContext) -> None:
        BankReply.model_validate({})

    (answer,) = await handled_by(function).execute(request())
    assert answer.data.error_name == "ValidationError"
