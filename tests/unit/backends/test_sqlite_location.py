"""A SQLite file is named by a path or by an address, and nothing else passes for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from arvo.backends.sqlite import SqliteMachineMemory
from arvo.errors import BackendError


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("orders.db", "orders.db"),
        ("/var/lib/orders.db", "/var/lib/orders.db"),
        (Path("some/orders.db"), "some/orders.db"),
        ("sqlite:///orders.db", "orders.db"),
        ("sqlite:///some/orders.db", "some/orders.db"),
        ("sqlite:////var/lib/orders.db", "/var/lib/orders.db"),
        ("sqlite:///with%20space%23.db", "with space#.db"),
    ],
)
def test_paths_and_addresses_name_a_file(location: str | Path, path: str) -> None:
    assert SqliteMachineMemory(location).path == Path(path)


@pytest.mark.parametrize(
    "location",
    [
        "postgresql://localhost/orders",
        "sqlite://orders.db",
        "sqlite://host/orders.db",
        "sqlite:///orders.db?mode=ro",
        "sqlite:///orders.db#part",
        "file:///orders.db",
    ],
)
def test_other_addresses_are_refused_with_examples(location: str) -> None:
    with pytest.raises(BackendError, match=r"Write sqlite:///orders\.db") as caught:
        SqliteMachineMemory(location)
    assert location in str(caught.value)


@pytest.mark.parametrize("location", ["", ":memory:", "sqlite:///", "sqlite:///:memory:"])
def test_a_location_without_a_file_is_refused_with_the_alternative(location: str) -> None:
    with pytest.raises(BackendError, match="use InMemoryMachineMemory"):
        SqliteMachineMemory(location)
