"""A workflow with timers: asks a manager, reminds her every day, and takes silence for a no.

Nobody in the app answers the question, so it waits in the store: `arvo inbox` shows it and answers it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias, assert_never

from pydantic import BaseModel

from arvo import (
    App,
    Done,
    Emit,
    OrchestratorContract,
    Payload,
    Resumable,
    ServiceError,
    Timeout,
    Turn,
    Wait,
    services,
)

from .approval import HUMAN, Approved, AskApproval, Rejected, ask_v1

REMIND_AFTER = timedelta(days=1)
GIVE_UP_AFTER = timedelta(days=3)


class SeekApproval(Payload):
    order_id: str
    amount_cents: int


class ApprovalSought(Payload):
    approved: bool
    by: str
    reminders: int


class Asked(BaseModel):
    reminders: int = 0


seek = OrchestratorContract("approval", uri="#/orchestrators/approval", description="A manager's answer, or a no")
seek_v1 = seek.version("1.0.0", accepts=SeekApproval, emits=ApprovalSought)

seek_approval = Resumable(seek)

Incoming: TypeAlias = SeekApproval | Approved | Rejected | ServiceError | Timeout


@seek_approval.on(seek_v1, state=Asked, services=services(ask_v1), timeouts=True)
async def ask_and_remind(turn: Turn[Incoming, Asked]) -> Wait[Asked, AskApproval] | Done[ApprovalSought]:
    asked = turn.state or Asked()
    match turn.event.data:
        case SeekApproval(order_id=order_id, amount_cents=amount_cents):
            ask = AskApproval(order_id=order_id, amount_cents=amount_cents, question=f"Sell {order_id}?")
            return Wait(asked, [Emit(ask, domain=HUMAN, deadline=GIVE_UP_AFTER)], wake_after=REMIND_AFTER)
        case Timeout(call_type=ask_v1.accepted_type):
            return Done(ApprovalSought(approved=False, by="nobody in time", reminders=asked.reminders))
        case Timeout():
            return Wait(Asked(reminders=asked.reminders + 1), wake_after=REMIND_AFTER)
        case Approved(by=by):
            return Done(ApprovalSought(approved=True, by=by, reminders=asked.reminders))
        case Rejected(by=by):
            return Done(ApprovalSought(approved=False, by=by, reminders=asked.reminders))
        case ServiceError(error_message=message):
            return Done(ApprovalSought(approved=False, by=message, reminders=asked.reminders))
        case _ as never:
            assert_never(never)


app = App(handlers=[seek_approval])
