"""A question to a person: no program handles it, so it leaves in a domain of its own and is answered from outside."""

from __future__ import annotations

from arvo import Contract, Payload, one_of

HUMAN = "human.approval"


class AskApproval(Payload):
    order_id: str
    amount_cents: int
    question: str


class Approved(Payload, event_type="evt.approval.ask.approved"):
    by: str


class Rejected(Payload, event_type="evt.approval.ask.rejected"):
    by: str
    reason: str


ask = Contract(uri="#/people/approval.ask", type="com.approval.ask", domain=HUMAN, description="Asks a manager")
ask_v1 = ask.version("1.0.0", accepts=AskApproval, emits=one_of(Approved, Rejected))
