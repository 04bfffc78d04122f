"""`Emit`: a payload with directives for its event, where the defaults do not do.

What the directives do is in `emission.py`; the domains' vocabulary is in `domains.py`.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from arvo.contracts import Payload
from arvo.events import INHERIT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from arvo.handlers.domains import DomainRules

__all__ = ["Emit"]

P_co = TypeVar("P_co", bound=Payload, covariant=True)


@dataclass(frozen=True, slots=True)
class Emit(Generic[P_co]):
    """A payload to be emitted with directives: `return Emit(CardCharged(...), domain="audit", execution_units=2)`."""

    payload: P_co
    _: KW_ONLY
    to: str | None = None
    """Who handles the event; default: the input's `redirectto`, else its `source`."""
    domain: DomainRules = INHERIT
    """One domain, or several: one event for each that they resolve to. An empty sequence emits nothing, None is the
    local domain; default: what the handler is set up for."""
    execution_units: float | None = None
    """What it cost; default: the handler's `execution_units`."""
    extensions: Mapping[str, str | int | float | bool | None] | None = None
    """Custom CloudEvents extensions."""
    redirectto: str | None = None
    """Who should get the answers to this event; default: nobody for an answer, the workflow itself for its calls."""
    accesscontrol: str | None = None
    """Default: the input's."""
    id: str | None = None
    """A literal id, or one made by `managed_event_id`; default: derived from the input's id, so that a redelivered
    input gives the same events. With several domains the first event has this id, the others one derived from it."""
    time: str | None = None
    """RFC 3339 with offset; default: now."""
    parent_subject: str | None = INHERIT
    """For a workflow's call of another workflow only: the subject of the parent, or None for a call without a parent;
    default: the subject of the workflow that calls."""
    deliver_after: timedelta | None = None
    """How long to hold the event back before it is delivered; default: not at all."""
    deadline: timedelta | None = None
    """For a call in a `Wait` only: unless an answer to it comes within this time, the function gets a `Timeout`."""
