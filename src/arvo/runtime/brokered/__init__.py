"""Apps that are connected by a message broker: with a store of their own, or without one.

`BrokerWorker` is all that users need. With a store, `inbox` takes messages into it and `outbox` carries events out of
it; without one, `direct` runs handlers on the messages themselves. The broker inside one process is `runtime.broker`.
"""

from arvo.runtime.brokered.worker import BrokerWorker

__all__ = ["BrokerWorker"]
