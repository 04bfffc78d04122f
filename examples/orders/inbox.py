"""Stands in for a person with an inbox, so that the demo needs nobody: says yes up to a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .approval import Approved, Rejected, ask_v1

if TYPE_CHECKING:
    from arvo import Event

MANAGER_LIMIT_CENTS = 500_000


def decision(event: Event[Any]) -> Event[Approved | Rejected]:
    """Mara's answer to a question."""
    question = ask_v1.parse_accepted(event)
    if question.data.amount_cents <= MANAGER_LIMIT_CENTS:
        return ask_v1.reply(Approved(by="mara"), to=question)
    return ask_v1.reply(Rejected(by="mara", reason="too much for one order"), to=question)
