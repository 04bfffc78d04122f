"""Where contracts differ from the recorded ones on purpose."""

from tests.support.vectors import Deviation

DEVIATIONS = [
    Deviation("accepted_domain_dots", 10, "a domain of dots alone is refused: it names nothing"),
    Deviation("bad_type_reserved_prefix_without_dot", 23, "only 'arvo.orc' and what is below it is reserved"),
    Deviation("is_orc_type_arvo.orchid*", 23, "only 'arvo.orc' and what is below it is reserved"),
]
