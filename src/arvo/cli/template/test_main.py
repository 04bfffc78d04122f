"""Run with: python -m pytest"""

from __future__ import annotations

import asyncio

from main import Welcome, Welcomed, app, welcome_v1


def test_every_guest_is_greeted() -> None:
    start = welcome_v1.request(Welcome(guests=("Ada", "Alan")), source="com.example.test")
    answer = asyncio.run(app.resolve(start, expect=welcome_v1))
    assert answer.data == Welcomed(texts=("Hello, Ada!", "Hello, Alan!"))
