"""Fixtures of the interoperability tests: the seed of the run."""

from __future__ import annotations

import os
import secrets
import sys

import pytest


@pytest.fixture
def seed() -> int:
    """Another one on every run; a failing test prints it, and ARVO_INTEROP_SEED brings it back."""
    chosen = int(os.environ.get("ARVO_INTEROP_SEED") or secrets.randbelow(2**32))
    sys.stdout.write(f"Generated with ARVO_INTEROP_SEED={chosen}\n")
    return chosen
