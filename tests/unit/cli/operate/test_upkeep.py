"""`arvo store prune` and `drop-unclaimed`: what is removed, and that nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from arvo.ports import NewDelivery, WorkerInfo
from tests.unit.cli.operate.conftest import a_letter, an_event, an_item, error_of

if TYPE_CHECKING:
    from arvo.ports import Store
    from tests.unit.cli.operate.conftest import Depot


@pytest.fixture
def worked(depot: Depot) -> Depot:
    """A store with three consumed ids, a dead letter, an active and a failed workflow, and an answer that waits."""
    depot.work(an_item("lamp"), an_item("broken"), a_letter("ada"))
    return depot


def test_by_default_nothing_young_is_removed(worked: Depot) -> None:
    done = worked.arvo("store", "prune")
    assert (done.code, done.out) == (0, "Removed 0 consumed ids, 0 ended workflows, 0 dead letters.\n")


def test_what_is_old_enough_is_removed(worked: Depot) -> None:
    times = ("--consumed-ids", "0s", "--ended-workflows", "0s")
    (told,) = worked.arvo("store", "prune", *times, "--json").objects
    assert told == {"kind": "pruned", "consumed_ids": 3, "workflows": 1, "dead_letters": 0}
    done = worked.arvo("store", "prune", *times, "--dead-letters", "0s")
    assert done.out == "Removed 0 consumed ids, 0 ended workflows, 1 dead letters.\n"


@pytest.mark.parametrize("option", ["--consumed-ids", "--ended-workflows", "--dead-letters"])
def test_a_wrong_time_is_told_with_its_option(worked: Depot, option: str) -> None:
    message = error_of(worked.arvo("store", "prune", option, "a week"), 2)
    assert message == (
        f"Invalid value for '{option}': 'a week' is no length of time. "
        "Write a whole number and a unit: 30s, 15m, 12h or 7d."
    )


def test_what_nobody_took_is_dropped_when_somebody_says_so(worked: Depot) -> None:
    command = ("store", "drop-unclaimed", "com.web.desk", "--older-than", "0s")
    asked = worked.arvo(*command, given="n\n")
    assert asked.err.startswith("Remove all that waits for com.web.desk since more than 0s, for ever? [y/N]: ")
    assert error_of(asked, 1) == "Nothing was changed."
    assert worked.arvo("store", "drop-unclaimed", "com.web.desk", "--older-than", "7d", "-y").out.startswith(
        "Removed 0 "
    )
    (told,) = worked.arvo(*command, "-y", "--json").objects
    assert told == {"kind": "dropped", "address": "com.web.desk", "events": 1}
    assert worked.look(lambda store: store.queues()) == []


def test_dropping_what_a_worker_would_take_is_warned_of(depot: Depot) -> None:
    depot.arvo("store", "upgrade")

    async def introduce(store: Store) -> None:
        await store.heartbeat(WorkerInfo(id="w", host="hall", pid=42, process_key="k", handlers=("com.test.b",)))
        event = an_event("x")
        await store.publish([NewDelivery(handler="com.test.b", event=event)])

    depot.look(introduce)
    done = depot.arvo("store", "drop-unclaimed", "com.test.b", "--older-than", "0s", given="y\n")
    assert "A worker serves it, and may yet take what waits. [y/N]" in done.err
    assert done.out.endswith("Removed 1 events that waited for com.test.b.\n")
