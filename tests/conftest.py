"""Fixtures for every test, and how hypothesis behaves here."""

from __future__ import annotations

from hypothesis import settings

from tests.support.telemetry_sdk import reader, spans

__all__ = ["reader", "spans"]

# A loaded machine is no failure: what takes too long is for pytest's own timeout.
settings.register_profile("arvo", deadline=None)
settings.load_profile("arvo")
