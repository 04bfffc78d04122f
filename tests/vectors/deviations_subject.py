"""Where subjects are made or read otherwise than recorded."""

from tests.support.vectors import Deviation

DEVIATIONS = [
    Deviation("*domain_dots_only", 10, "refused: a domain needs label characters"),
    Deviation("*_missing_domain", 16, "read as null"),
    Deviation("*_bad_domain_missing", 16, "read as null"),
    Deviation("parse_from_2_2_13_*", 16, "read with the domain null"),
    Deviation("from_old_parent_without_domain", 16, "read with the domain null"),
    Deviation("from_null_domain_still_inherits", 19, "null is a domain one can ask for"),
    Deviation("*_null_version", 20, "refused: a subject without a version could be resolved by no handler"),
]
