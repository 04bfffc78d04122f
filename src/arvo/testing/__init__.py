"""What tests of Arvo applications and back ends need.

Conformance kits are modules: `machine_memory.CHECKS`, `machine_memory.check_machine_memory`; `store.CHECKS`,
`store.check_store`.
"""

from arvo.testing import machine_memory, store
from arvo.testing.clock import ShiftableClock

__all__ = ["ShiftableClock", "machine_memory", "store"]
