"""The string formats that imported contracts are held to."""

from __future__ import annotations

import pytest

from arvo.contracts.formats import FORMATS

CASES = {
    "date": (["2024-02-29"], ["2023-02-29", "2024-2-1", "2024-02-29T00:00:00", "20240229", "٢٠٢٤-02-01"]),
    "date-time": (
        ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59.123456789+05:30"],
        ["2024-02-30T00:00:00Z", "2024-02-29", "2024-02-29T00:00:00", "2024-02-29 00:00:00Z", "2024-02-29T25:00:00Z"],
    ),
    "duration": (
        ["P1Y2M3DT4H5M6S", "PT0.5S", "P2W", "PT36H"],
        ["P", "PT", "1Y", "P1S", "P1YT", "p1y", "P-1Y"],
    ),
    "email": (["a@b.co", "first.last+tag@sub.example.org"], ["a@b", ".a@b.co", "a..b@b.co", "a@b.c0m", "a b@c.de", ""]),
    "ipv4": (["127.0.0.1"], ["127.0.0", "256.0.0.1", "127.0.0.1/8", ""]),
    "ipv6": (["::1", "2001:db8::ff00:42:8329"], ["127.0.0.1", ":::", ""]),
    "time": (["23:59:59", "23:59:59.5"], ["24:00:01", "23:59", "23:59:59Z"]),
    "uri": (
        ["https://example.org/a?b#c", "urn:isbn:1", "mailto:a@b.co"],
        ["example.org", "https://", "http:?a", "https:", "a b:c", ""],
    ),
    "uuid": (
        ["85691faa-a6ae-4302-acb1-b2501f5fbc6b", "85691FAA-A6AE-4302-ACB1-B2501F5FBC6B"],
        ["85691faaa6ae4302acb1b2501f5fbc6b", "{85691faa-a6ae-4302-acb1-b2501f5fbc6b}", "85691faa-a6ae-4302-acb1"],
    ),
}


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_format_tells_good_from_bad(name: str) -> None:
    good, bad = CASES[name]
    assert [text for text in good if not FORMATS[name](text)] == []
    assert [text for text in (*bad, f"{good[0]}\n", f" {good[0]}") if FORMATS[name](text)] == []
