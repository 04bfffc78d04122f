"""How a workflow is laid out for people: what is under way for it, long lists, large families, odd subjects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import click

from arvo.cli.operate.workflow_view import WorkflowView, list_rows, view_rows
from arvo.cli.operate.workflows import Kin, Pending
from arvo.orchestration.operations import Call, RecordView
from arvo.ports import StoredLane, StoredWorkflow, WorkflowStatus
from tests.unit.cli.operate.conftest import an_event

NOTHING = RecordView(
    init_event_id="i", parent_subject=None, consumed=None, calls=(), outputs=(), timers=(), state=None, error=None
)


def workflow(number: int = 7) -> StoredWorkflow:
    now = datetime.now(UTC)
    return StoredWorkflow(
        number=number,
        handler="arvo.orc.flow",
        subject="no subject of ours",
        status=WorkflowStatus.ACTIVE,
        record_json=b'{"initEventId":"i"}',
        revision=1,
        created_at=now,
        updated_at=now,
    )


def lane(**how: object) -> StoredLane:
    values: dict[str, object] = {"owner": None, "error": None, "attempts": 0, **how}
    return StoredLane(
        lane=UUID(int=1),
        handler="arvo.orc.flow",
        priority=0,
        due_at=datetime.now(UTC) + timedelta(minutes=2, seconds=30),
        deliveries=3,
        event_json=an_event("x").to_json(),
        **values,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )


def shown(*, record: RecordView = NOTHING, its_lane: StoredLane | None = None, family: Kin | None = None) -> list[str]:
    """The lines, without colours."""
    view = WorkflowView(
        workflow=workflow(),
        record=record,
        pending=Pending(lane=its_lane, timers=(), questions=()),
        family=family or Kin(workflow=workflow()),
    )
    return [click.unstyle(row) for row in view_rows(view)]


def test_it_is_told_how_the_lane_is() -> None:
    assert "  3 in its lane, first com.test.b: a worker has it" in shown(its_lane=lane(owner="w"))
    (row,) = [row for row in shown(its_lane=lane(attempts=2, error="BackendError: asleep")) if "in its lane" in row]
    assert row.startswith("  3 in its lane, first com.test.b: tried again in 2m ")
    assert row.endswith(", attempt 2: BackendError: asleep")


def test_a_subject_that_is_none_of_ours_has_no_version_and_initiator() -> None:
    rows = shown()
    assert "  version     ?" in rows
    assert "  started by  ?, event i" in rows
    assert "?" in list(list_rows([workflow()]))[1].split()


def test_calls_of_a_statechart_are_those_of_its_last_step() -> None:
    calls = (Call(id="c", event=an_event("c")),)
    record = RecordView(
        init_event_id="i",
        parent_subject=None,
        consumed=None,
        calls=calls,
        outputs=(),
        timers=(),
        state=b'{"value":"a"}',
        error=None,
    )
    assert "  com.test.b (id c): sent by the last step" in shown(record=record)


def test_of_many_calls_the_latest_are_shown() -> None:
    calls = tuple(Call(id=str(number), answers=("evt.test.done",)) for number in range(60))
    record = RecordView(
        init_event_id="i",
        parent_subject=None,
        consumed=None,
        calls=calls,
        outputs=(),
        timers=(),
        state=None,
        error=None,
    )
    rows = shown(record=record)
    assert "  an earlier call (id 59): answered by evt.test.done" in rows
    assert "  an earlier call (id 9): answered by evt.test.done" not in rows
    assert "  and 10 before" in rows


def test_a_family_that_is_too_large_is_cut() -> None:
    family = Kin(workflow=workflow(), children=(Kin(workflow=workflow(8)),), more=True)
    rows = shown(family=family)
    assert rows[-3:] == [
        "  7 arvo.orc.flow active <- this one",
        "    8 arvo.orc.flow active",
        "    and more",
    ]
