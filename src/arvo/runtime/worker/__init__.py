"""Durable work: a `Worker` takes events from a store and stores all that comes of one at once (DESIGN 5).

`enqueue` puts events into a store, `resolve` waits for what comes back. The parts of a worker are in modules of their
own, `worker` puts them together.
"""

from arvo.runtime.worker.answers import resolve
from arvo.runtime.worker.enqueue import enqueue
from arvo.runtime.worker.health import WorkerHealth
from arvo.runtime.worker.report import WorkerReport
from arvo.runtime.worker.worker import Worker

__all__ = ["Worker", "WorkerHealth", "WorkerReport", "enqueue", "resolve"]
