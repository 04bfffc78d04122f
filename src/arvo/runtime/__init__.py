"""Runs handlers: in this process with `App`, from a durable store with `Worker`.

What both share: `attempt`, `retry`, `dead_letters`, `middleware`, `hooks`, `assembly`. The durable side is in `worker`.
"""

from arvo.runtime.app import App, Sink
from arvo.runtime.dead_letters import DeadLetter, DeadLetterReason
from arvo.runtime.hooks import DeadLetterHook, Observation, Observer
from arvo.runtime.invariants import Invariant, SystemView
from arvo.runtime.middleware import Execute, Middleware
from arvo.runtime.rate_limit import RateLimit
from arvo.runtime.resolution import ResolveTimeoutError, UnansweredError
from arvo.runtime.retry import Park, Retry, RetryPolicy
from arvo.runtime.shutdown import AppClosedError, ShutdownReport, Unfinished
from arvo.runtime.subscription import Servable, Settings, Subscription, WorkflowDefinition
from arvo.runtime.worker import Worker, WorkerHealth, WorkerReport, enqueue, resolve

__all__ = [
    "App",
    "AppClosedError",
    "DeadLetter",
    "DeadLetterHook",
    "DeadLetterReason",
    "Execute",
    "Invariant",
    "Middleware",
    "Observation",
    "Observer",
    "Park",
    "RateLimit",
    "ResolveTimeoutError",
    "Retry",
    "RetryPolicy",
    "Servable",
    "Settings",
    "ShutdownReport",
    "Sink",
    "Subscription",
    "SystemView",
    "UnansweredError",
    "Unfinished",
    "Worker",
    "WorkerHealth",
    "WorkerReport",
    "WorkflowDefinition",
    "enqueue",
    "resolve",
]
