"""Where an event id is made otherwise than recorded."""

from tests.support.vectors import Deviation

DEVIATIONS = [
    Deviation("create_*_falls_back", 14, "a blank id or value is refused; there is no strategy name to mistype"),
]
