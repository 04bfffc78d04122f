"""Ids come from a pool of random bytes, which no two callers may share: not in one process, nor after a fork."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from arvo.events import new_event_id


def ids(count: int) -> list[str]:
    return [new_event_id() for _ in range(count)]


def test_ids_differ_among_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(ids, [500] * 8))

    assert len({one for some in made for one in some}) == 4000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_makes_other_ids_than_its_parent() -> None:
    new_event_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_event_id().encode())
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 100).decode() != new_event_id()
