"""What an app refuses when it is put together, and what it doubts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from arvo.backends.memory import InMemoryMachineMemory
from arvo.contracts import Contract, OrchestratorContract, Payload, ServiceError, services
from arvo.errors import DefinitionError
from arvo.handlers import Handler, HandlerContext, MultiHandler, Router
from arvo.orchestration import Done, Resumable, Turn, Wait
from arvo.runtime import App, RetryPolicy, Settings, Subscription
from tests.unit.runtime.scene import handler

if TYPE_CHECKING:
    from arvo.events import Event, JsonObject


class Ask(Payload):
    question: str


class AskAgain(Payload):
    question: str


class Told(Payload, event_type="evt.oracle.told"):
    answer: int


class Approve(Payload):
    amount: int


class Approved(Payload, event_type="evt.human.approved"):
    by: str


class Start(Payload):
    pass


class Finished(Payload):
    pass


class NoState(BaseModel):
    pass


oracle = Contract(uri="#/oracle", type="com.oracle.ask")
oracle_v1 = oracle.version("1.0.0", accepts=Ask, emits=Told)
grown = Contract(uri="#/grown", type="com.oracle.ask")
grown_v1 = grown.version("1.0.0", accepts=Ask, emits=Told)
human = Contract(uri="#/human", type="com.human.approve", domain="human.inbox")
human_v1 = human.version("1.0.0", accepts=Approve, emits=Approved)
flow = OrchestratorContract("flow", uri="#/flow")
flow_v1 = flow.version("1.0.0", accepts=Start, emits=Finished)

tell = Handler(oracle)


@tell.on(oracle_v1)
async def told(_: Event[Ask], ctx: HandlerContext) -> Told:
    del ctx
    return Told(answer=42)


ask_oracle = Resumable(flow)


@ask_oracle.on(flow_v1, state=NoState, services=services(oracle_v1))
async def advance(turn: Turn[Start | Told | ServiceError, NoState]) -> Wait[NoState, Ask] | Done[Finished]:
    if isinstance(turn.event.data, Start):
        return Wait(NoState(), [Ask(question="?")])
    return Done(Finished())


ask_human = Resumable(flow)


@ask_human.on(flow_v1, state=NoState, services=services(human_v1))
async def advance_by_human(
    turn: Turn[Start | Approved | ServiceError, NoState],
) -> Wait[NoState, Approve] | Done[Finished]:
    if isinstance(turn.event.data, Start):
        return Wait(NoState(), [Approve(amount=1)])
    return Done(Finished())


def refused(*handlers: Any, **settings: Any) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        App(handlers=handlers, **settings)
    return caught.value


def test_an_app_without_handlers_is_refused() -> None:
    assert "It has no handlers" in refused().message


def test_a_version_without_a_function_is_refused() -> None:
    error = refused(Handler(oracle))
    assert "has no function for version 1.0.0" in error.message
    assert [(issue.path, issue.code) for issue in error.issues] == [(("com.oracle.ask",), "incomplete")]


def test_two_handlers_at_one_address_are_refused_and_named() -> None:
    other = Handler(grown)
    other.on(grown_v1)(told)
    error = refused(tell, other)
    assert f"Two handlers answer to 'com.oracle.ask': {tell!r} and {other!r}" in error.message
    assert [issue.code for issue in error.issues] == ["duplicate_source"]


def test_the_same_handler_twice_is_refused_too() -> None:
    assert "Two handlers answer to" in refused(tell, Subscription(tell)).message


def test_a_call_that_nobody_answers_is_refused_naming_caller_and_service() -> None:
    error = refused(ask_oracle)
    assert (
        "'arvo.orc.flow' calls #/oracle/1.0.0, but no handler of this app answers to 'com.oracle.ask'" in error.message
    )
    assert [(issue.path, issue.code) for issue in error.issues] == [
        (("arvo.orc.flow", "#/oracle/1.0.0"), "unanswered_call")
    ]


def test_a_call_to_another_contract_or_version_than_is_implemented_is_refused() -> None:
    other = Handler(grown)
    other.on(grown_v1)(told)
    assert "implements only #/grown/1.0.0" in refused(ask_oracle, other).message


def test_everything_that_is_wrong_is_told_at_once() -> None:
    codes = {issue.code for issue in refused(ask_oracle, Handler(grown), Handler(grown)).issues}
    assert codes == {"incomplete", "duplicate_source", "unanswered_call"}


def test_calls_are_fine_when_handled_here_elsewhere_or_by_a_handler_of_anything() -> None:
    anything = MultiHandler("com.oracle.ask")

    @anything.handle
    async def answer_anything(_: Event[JsonObject], ctx: HandlerContext) -> None:
        del ctx

    assert App([ask_oracle, tell]).doubts == ()
    assert App([ask_oracle], external=[oracle]).doubts == ()
    assert App([ask_oracle, anything]).doubts == ()


def test_a_call_into_a_domain_without_a_sink_is_only_a_doubt() -> None:
    app = App([ask_human])
    (doubt,) = app.doubts
    assert "'arvo.orc.flow' calls #/human/1.0.0, whose domain 'human.inbox' has no sink" in doubt

    @app.sink("human.inbox")
    async def inbox(_: Event[Any]) -> None: ...

    assert app.doubts == ()


def test_a_call_that_only_a_router_serves_is_a_doubt() -> None:
    (doubt,) = App([ask_oracle, Router("com.all.oracles", [tell])]).doubts
    assert "served at 'com.all.oracles' and not at 'com.oracle.ask'" in doubt


async def test_workflows_keep_their_state_in_the_memory_that_was_bound_last() -> None:
    app = App([ask_oracle, tell])
    request = flow_v1.request(Start(), source="com.web.shop")
    assert (await app.resolve(request, expect=flow_v1)).data == Finished()
    memory = InMemoryMachineMemory()
    app.bind(memory)
    assert app.memory is memory
    assert await memory.read(request.subject) is None
    assert (await app.resolve(request, expect=flow_v1)).data == Finished()
    assert await memory.read(request.subject) is not None


async def test_a_memory_cannot_be_bound_while_the_app_runs() -> None:
    async with App([tell]) as app:
        with pytest.raises(DefinitionError, match="too late to bind a memory"):
            app.bind(InMemoryMachineMemory())


async def test_a_workflow_that_is_bound_already_keeps_its_memory() -> None:
    own, of_app = InMemoryMachineMemory(), InMemoryMachineMemory()
    request = flow_v1.request(Start(), source="com.web.shop")
    await App([ask_oracle.bind(own), tell], memory=of_app).resolve(request)
    assert await own.read(request.subject) is not None
    assert await of_app.read(request.subject) is None


def test_settings_of_a_subscription_go_before_those_of_the_app() -> None:
    once, twice = RetryPolicy(attempts=1), RetryPolicy(attempts=2)

    @handler("com.b.b")
    async def other(_: Event[Any]) -> None: ...

    app = App([Subscription(tell, concurrency=2, retry=once), other], concurrency=3, queue_limit=4, retry=twice)
    assert app.settings == {
        "com.oracle.ask": Settings(concurrency=2, queue_limit=4, retry=once),
        "com.b.b": Settings(concurrency=3, queue_limit=4, retry=twice),
    }


@pytest.mark.parametrize("settings", [{"concurrency": 0}, {"queue_limit": 0}], ids=str)
def test_settings_that_let_nothing_run_are_refused(settings: dict[str, Any]) -> None:
    (name,) = settings
    assert f"{name} is 0" in refused(tell, **settings).message
    assert f"{name} is 0" in refused(Subscription(tell, **settings)).message


def test_a_negative_number_of_records_cannot_be_kept() -> None:
    assert "record_limit is -1" in refused(tell, record_limit=-1).message
