"""Machines in an app: they run like any handler, and the app passes on what they are doubted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from arvo.contracts import Contract, OrchestratorContract, Payload, services
from arvo.handlers import Handler, HandlerContext
from arvo.orchestration import Machine, Orchestrator
from arvo.runtime import App

if TYPE_CHECKING:
    from arvo.events import Event


class Count(Payload):
    steps: int


class Counted(Payload, event_type="evt.count.step.done"):
    number: int


class Step(Payload):
    number: int


class Finished(Payload):
    total: int


class Progress(BaseModel):
    steps: int
    done: int = 0


step = Contract(uri="#/services/count.step", type="com.count.step")
step_v1 = step.version("1.0.0", accepts=Step, emits=Counted)
take_step = Handler(step)


@take_step.on(step_v1)
async def add_one(event: Event[Step], _: HandlerContext) -> Counted:
    return Counted(number=event.data.number + 1)


count = OrchestratorContract("count", uri="#/orchestrators/count")
count_v1 = count.version("1.0.0", accepts=Count, emits=Finished)
machine = Machine(count_v1, state=Progress, services=services(step_v1))
counting = machine.state("counting")
finished = machine.state("finished")


@machine.start(at=counting)
def begin(request: Count) -> Progress:
    return Progress(steps=request.steps)


@counting.enter
def ask(state: Progress) -> Step:
    return Step(number=state.done)


@counting.on(Counted, to=finished, when=lambda state, reply: reply.number >= state.steps)
@counting.on(Counted, to=counting, reenter=True)
def keep(state: Progress, reply: Counted) -> Progress:
    return state.model_copy(update={"done": reply.number})


machine.final(at=finished)(lambda state: Finished(total=state.done))
app = App(handlers=[Orchestrator(count, [machine]), take_step])


async def test_a_machine_calls_services_until_it_is_done() -> None:
    answer = await app.resolve(count_v1.request(Count(steps=25), source="com.web.shop"), expect=count_v1)
    assert answer.data == Finished(total=25)


def test_an_app_passes_on_what_its_machines_are_doubted_for() -> None:
    (doubt,) = app.doubts
    assert doubt == (
        "Machine for #/orchestrators/count/1.0.0: #count.counting: no state that can be reached takes the system error "
        "(sys.com.count.step.error), a reply of #/services/count.step/1.0.0, which is called here."
    )
