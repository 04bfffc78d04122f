"""Ids come from a pool of random bytes, which no two callers may share: not in one process, nor after a fork."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from arvo.events import new_event_id


def test_ids_differ_among_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: [new_event_id() for _ in range(500)], range(8)))

    assert len({one for ids in made for one in ids}) == 4000


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
