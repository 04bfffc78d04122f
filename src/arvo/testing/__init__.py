"""What tests of Arvo applications and back ends need.

Conformance kits are modules: `machine_memory.CHECKS`, `machine_memory.check_machine_memory`; `store.CHECKS`,
`store.check_store`; `broker.CHECKS`, `broker.check_broker`.
"""

from arvo.testing import broker, machine_memory, store
from arvo.testing.clock import ShiftableClock

__all__ = ["ShiftableClock", "broker", "machine_memory", "store"]
