"""Where an event is made or written otherwise than recorded."""

from tests.support.vectors import Deviation

REFUSED = "refused with InvalidEvent"

DEVIATIONS = [
    Deviation("quirk_source_*", 2, REFUSED),
    Deviation("*_empty_falls_back_to_type", 3, REFUSED),
    Deviation("*_empty_is_null", 3, REFUSED),
    Deviation("ext_reserved_known_key_ignored", 4, REFUSED),
    Deviation("ext_core_key_overrides_json", 4, REFUSED),
    Deviation("*integer_like_key*", 5, "insertion order is kept"),
    Deviation("*_nan", 6, REFUSED),
    Deviation("*_infinity", 6, REFUSED),
    Deviation("num_overflow", 6, REFUSED),
    Deviation("num_beyond_2_53", 7, "integers are exact"),
    Deviation("bad_data_bigint", 7, "integers are exact, so a big one is no error"),
    Deviation("data_*undefined*", 8, REFUSED),
    Deviation("data_function_dropped", 8, REFUSED),
    Deviation("data_date_value", 8, "a datetime is written in RFC 3339, to the microsecond"),
    Deviation("datacontenttype_substring", 9, REFUSED),
    Deviation("bad_datacontenttype_case", 9, "accepted: media types ignore case"),
    Deviation("domain_dots_only", 10, REFUSED),
    Deviation("id_blank_uuid", 14, REFUSED),
    Deviation("ctor_bad_*_missing", 16, "an attribute that may be null may be missing; others are refused as recorded"),
    Deviation("ctor_bad_empty_context", 16, "refused for the attributes that may not be null"),
]
