"""What comes of an answer that is published long after the process that it belongs to has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.backends.memory import InMemoryMachineMemory
from arvo.runtime import App, DeadLetterReason
from tests.integration.order_system import HANDLERS, HUMAN, SHOP, Approved, an_order, approve_v1
from tests.unit.runtime.scene import FunctionHandler, request

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.ports import MachineMemory


async def asked(memory: MachineMemory) -> Event[Any]:
    """The question to a person that an order has led to in an app that is closed since."""
    async with App(HANDLERS, memory=memory) as app:
        await app.publish(an_order(amount_cents=60_000))
        await app.wait_idle()
        (question,) = app.waiting(HUMAN)
    return question


async def test_an_order_that_a_person_approves_in_a_later_run_ends_without_a_dead_letter() -> None:
    memory = InMemoryMachineMemory()
    question = await asked(memory)
    outputs: list[Event[Any]] = []
    later = App(HANDLERS, memory=memory)
    later.on_event(lambda seen: outputs.extend(seen.outputs))
    async with later:
        await later.publish(approve_v1.reply(Approved(by="mara"), to=question))
    assert outputs[-1].type == "arvo.orc.order.done"
    assert outputs[-1].to == SHOP
    assert later.dead_letters == ()


async def test_an_event_for_somebody_who_began_nothing_is_still_a_dead_letter() -> None:
    async def misaddress(event: Event[Any]) -> Event[Any]:
        return event.replace(id="output-1", source="com.some.handler", to="com.nobody.here", parentid=event.id)

    app = App([FunctionHandler("com.some.handler", misaddress)])
    async with app:
        await app.publish(request("com.some.handler", subject=an_order().subject))
    assert [letter.reason for letter in app.dead_letters] == [DeadLetterReason.UNROUTABLE]
