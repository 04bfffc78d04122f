"""Workflows in a worker: the state goes from one event of a claim to the next, and is stored once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from arvo.errors import ExecutionViolation
from arvo.ports import Amendment, RecordWrite, WorkflowStatus
from arvo.runtime import App, Worker, enqueue
from tests.unit.runtime.scene import FunctionHandler, answer, request
from tests.unit.runtime.worker.store_in_front import StoreInFront
from tests.unit.runtime.worker.workplace import ONE, QUICK, worked_off

if TYPE_CHECKING:
    from arvo.contracts import ContractVersion
    from arvo.events import Event
    from arvo.ports import MachineMemory, Store


@dataclass(frozen=True, eq=False)
class Counting:
    """A workflow that counts the events of its subject; the first try at the event `fails` fails after writing."""

    fails: str | None = None
    failed: list[str] = field(default_factory=list[str])
    source: str = ONE
    domain: str | None = None
    implements: tuple[ContractVersion[Any, Any], ...] = ()
    calls: tuple[ContractVersion[Any, Any], ...] = ()

    def check(self) -> None:
        """Always complete."""

    def bind(self, memory: MachineMemory) -> FunctionHandler:
        async def count(event: Event[Any]) -> Event[Any]:
            assert await memory.lock(event.subject, "me")
            before = await memory.read(event.subject)
            number = 1 if before is None else before["count"] + 1
            await memory.write(event.subject, {"count": number}, before)
            if event.id == self.fails and event.id not in self.failed:
                self.failed.append(event.id)
                raise ExecutionViolation("after it has written")
            await memory.unlock(event.subject, "me")
            return answer(ONE, event, id=f"{event.subject} {number}")

        return FunctionHandler(ONE, count)


async def test_several_events_of_a_claim_lead_to_one_record_and_all_their_events(store: Store) -> None:
    app = App([Counting()])
    for _ in range(5):
        await enqueue(app, store, request(ONE))
    front = StoreInFront(store)
    await worked_off(store, Worker(app, front.as_store()))

    workflow = await store.workflow(ONE, "process/1")
    assert workflow is not None
    assert (workflow.record(), workflow.revision) == ({"count": 5}, 1)
    assert front.calls["finish"] == 1
    assert [queue.deliveries for queue in await store.queues()] == [5]


async def test_the_state_is_found_again_by_the_next_claim(store: Store) -> None:
    app = App([Counting()])
    for number in range(3):
        await enqueue(app, store, request(ONE))
        await worked_off(store, Worker(app, store))
        workflow = await store.workflow(ONE, "process/1")
        assert workflow is not None
        assert (workflow.record(), workflow.revision) == ({"count": number + 1}, number + 1)


async def test_what_a_failed_attempt_wrote_is_forgotten(store: Store) -> None:
    counting = Counting(fails="2")
    app = App([counting], retry=QUICK)
    for id_ in ("1", "2", "3"):
        await enqueue(app, store, request(ONE, id=id_))
    await worked_off(store, Worker(app, store))

    workflow = await store.workflow(ONE, "process/1")
    assert workflow is not None
    assert workflow.record() == {"count": 3}
    assert counting.failed == ["2"]


async def test_a_record_that_was_changed_from_outside_is_not_written_over(store: Store) -> None:
    app = App([Counting()])
    await enqueue(app, store, request(ONE))
    await worked_off(store, Worker(app, store))
    await enqueue(app, store, request(ONE))
    front = StoreInFront(store)
    amended = False

    async def amending(name: str, _: tuple[Any, ...], call: Any) -> Any:
        nonlocal amended
        if name == "finish" and not amended:
            amended = True
            record = RecordWrite(subject="process/1", record_json=b'{"count": 40}', status=WorkflowStatus.ACTIVE)
            assert await store.amend(Amendment(handler=ONE, revision=1, record=record))
        return await call()

    front.around = amending
    worker = Worker(app, front.as_store())
    await worked_off(store, worker)

    workflow = await store.workflow(ONE, "process/1")
    assert workflow is not None
    assert workflow.record() == {"count": 41}
    assert (worker.report.refused, worker.report.deliveries) == (1, 1)
