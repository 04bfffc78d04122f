"""The durable store: where events wait for their handlers, and where everything that comes of one is kept at once.

`port` holds the Protocols and their promises; `work` what workers hand to and get from a store, `inspection` what
people and tools see of it, `identity` how lanes and deliveries are told apart.
"""

from arvo.ports.store.identity import delivery_key, lane_id
from arvo.ports.store.inspection import (
    Pruned,
    QueueStatus,
    Retention,
    SchemaUpgrade,
    StoreCounts,
    StoredDeadLetter,
    StoredLane,
    StoredTimer,
    StoredWorkflow,
    WaitingEvent,
    WorkerStatus,
)
from arvo.ports.store.port import Store, StoreInspection, WorkStore
from arvo.ports.store.work import (
    Amendment,
    Claim,
    Completion,
    Delivery,
    FinishOutcome,
    NewDeadLetter,
    NewDelivery,
    RecordWrite,
    RetryLater,
    WorkerInfo,
    WorkflowStatus,
)

__all__ = [
    "Amendment",
    "Claim",
    "Completion",
    "Delivery",
    "FinishOutcome",
    "NewDeadLetter",
    "NewDelivery",
    "Pruned",
    "QueueStatus",
    "RecordWrite",
    "Retention",
    "RetryLater",
    "SchemaUpgrade",
    "Store",
    "StoreCounts",
    "StoreInspection",
    "StoredDeadLetter",
    "StoredLane",
    "StoredTimer",
    "StoredWorkflow",
    "WaitingEvent",
    "WorkStore",
    "WorkerInfo",
    "WorkerStatus",
    "WorkflowStatus",
    "delivery_key",
    "lane_id",
]
