"""Where versions and dataschemas are read otherwise than recorded."""

from tests.support.vectors import Deviation

DEVIATIONS = [
    Deviation("compare_*", 25, "refused when either is not exactly three numbers"),
    Deviation("parseSemver_*", 25, "refused when it is not exactly three numbers"),
    Deviation(
        "event_empty_is_null", 3, "an empty dataschema is refused, as the constructor of the original refuses it"
    ),
]
