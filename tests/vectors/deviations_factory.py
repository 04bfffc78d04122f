"""Where events from the factories differ from the recorded ones on purpose."""

from tests.support.vectors import Deviation

DEVIATIONS = [
    Deviation(
        "init_child*",
        21,
        "a child's output goes to its parent by default, not to whoever started the parent (and see 19)",
    ),
    Deviation(
        "orchestrator_via_plain_accepts*", 22, "a child gets a child's subject, whichever factory makes the event"
    ),
]
