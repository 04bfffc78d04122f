"""What property tests draw from: JSON values, addresses, envelopes, hostile text."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

# Well-formed text, with whatever JavaScript and JSON treat specially among it.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
any_texts = st.text(max_size=40)
segments = st.text("abcxyz019", min_size=1, max_size=5)
event_types = st.lists(segments, min_size=3, max_size=5).map(".".join)
domains = st.lists(segments, min_size=1, max_size=3).map(".".join)
versions = st.tuples(*[st.integers(0, 10**6)] * 3).map(lambda parts: ".".join(map(str, parts)))
addresses = texts.filter(bool)

finite = st.floats(allow_nan=False, allow_infinity=False)
# Where doubles are sparser than integers, JavaScript spells a whole one by its shortest digits: another integer.
json_numbers = st.integers(-(10**40), 10**40) | finite.filter(lambda number: abs(number) < 2**53 or abs(number) >= 1e21)
json_leaves = st.none() | st.booleans() | json_numbers | texts
json_values = st.recursive(
    json_leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
json_objects = st.dictionaries(texts, json_values, max_size=5)

timestamps = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "+00:00")
extension_names = st.text("abcxyz019", min_size=1, max_size=8).map(lambda name: f"x{name}")
extension_values = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | texts


def _optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


attributes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"type": event_types, "source": addresses, "subject": addresses, "data": json_objects},
    optional={
        "id": texts.filter(lambda text: text.strip() != ""),
        "dataschema": _optional(addresses),
        "time": timestamps,
        "to": addresses,
        "accesscontrol": _optional(addresses),
        "redirectto": _optional(addresses),
        "executionunits": _optional(json_numbers.filter(lambda number: abs(number) < 1e300)),
        "traceparent": _optional(addresses),
        "tracestate": _optional(addresses),
        "parentid": _optional(addresses),
        "domain": _optional(domains),
        "extensions": st.dictionaries(extension_names, extension_values, max_size=3),
    },
)
