"""The moving parts of the in-process broker: lanes that events run in, deliveries in them, and the chains they form.

Plain records; `arvo.runtime.deliveries` moves them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from arvo.runtime.admission import Admission
from arvo.runtime.rate_limit import TokenBucket
from arvo.runtime.subject_queue import SubjectQueue

if TYPE_CHECKING:
    from arvo.events import Event
    from arvo.runtime.middleware import Execute
    from arvo.runtime.resolution import Resolution
    from arvo.runtime.subscription import Settings

__all__ = ["Chain", "Delivery", "Lane", "Stage"]

Stage: TypeAlias = Literal["queued", "running", "retrying", "scheduled"]


@dataclass(slots=True, eq=False)
class Lane:
    """One handler or sink in a running broker, with what waits for it."""

    address: str
    execute: Execute
    settings: Settings
    running: int = 0
    queue: SubjectQueue[Delivery] = field(init=False)
    admission: Admission = field(init=False)
    bucket: TokenBucket | None = field(init=False)

    def __post_init__(self) -> None:
        self.queue = SubjectQueue()
        self.admission = Admission(self.settings.queue_limit)
        self.bucket = None if self.settings.rate_limit is None else TokenBucket(self.settings.rate_limit)


class Chain:
    """One published event and everything that comes of it in one run of an app.

    `root_source` is where answers go, `unfinished` counts what is still to be done, and `entered` is the lane whose
    credit the chain holds until then. The occurrence of a schedule has no source that could be answered: each event
    published in its chain begins one of its own.
    """

    __slots__ = ("entered", "resolution", "root_source", "run", "unfinished")

    def __init__(
        self, run: object, root_source: str | None, entered: Lane | None, resolution: Resolution | None
    ) -> None:
        self.run = run
        self.root_source = root_source
        self.entered = entered
        self.resolution = resolution
        self.unfinished = 0


class Delivery:
    """One event for one lane: the unit of work.

    `attempts` are those that were begun; `queued_at` is on the app's monotonic clock, and set only if that is measured.
    """

    __slots__ = ("attempts", "chain", "event", "lane", "queued_at", "stage")

    def __init__(self, event: Event[Any], lane: Lane, chain: Chain) -> None:
        self.event = event
        self.lane = lane
        self.chain = chain
        self.attempts = 0
        self.queued_at: float | None = None
        self.stage: Stage = "queued"
