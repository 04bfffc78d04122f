"""`arvo init` and `arvo version`: the first things that a newcomer runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project


def test_the_new_project_runs_its_events_and_passes_its_test(project: Project) -> None:
    done = project.arvo("init", "hello")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Wrote main.py, events.jsonl, test_main.py into hello.",
        "Try it: cd hello && arvo run main:app --events events.jsonl",
    ]
    os.chdir(project.folder / "hello")
    shown = project.arvo("run", "main:app", "--events", "events.jsonl")
    assert shown.code == 0
    assert '{"texts":["Hello, Grace!","Hello, Alan!"]}' in shown.out
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    tested = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stdout


def test_the_test_of_the_new_project_is_a_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "main", import_module("arvo.cli.template.main"))
    tests = import_module("arvo.cli.template.test_main")
    tests.test_every_guest_is_greeted()
    monkeypatch.setattr(tests, "Welcomed", dict)
    with pytest.raises(AssertionError):
        tests.test_every_guest_is_greeted()


def test_the_current_folder_is_the_default(project: Project) -> None:
    done = project.arvo("init")
    assert done.out.endswith("Try it: arvo run main:app --events events.jsonl\n")
    assert (project.folder / "main.py").is_file()


def test_files_that_are_there_are_not_written_over(project: Project) -> None:
    project.write("test_main.py", "mine")
    done = project.arvo("init")
    assert done.code == 2
    assert done.err == (
        "Error: test_main.py exists already, so nothing was written. Give another folder: arvo init FOLDER.\n"
    )
    assert not (project.folder / "main.py").exists()


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(project: Project) -> None:
    project.write("file", "x")
    done = project.arvo("init", "file/below")
    assert (done.code, done.err) == (2, "Error: file/below cannot be written: Not a directory.\n")


def test_the_version_is_that_of_the_installed_package(project: Project) -> None:
    shown = project.arvo("version").out.splitlines()
    assert shown[0] == f"arvo-event-handler {version('arvo-event-handler')}"
    assert json.loads(project.arvo("version", "--json").out)["pydantic"] == version("pydantic")


def test_the_package_can_be_run_as_a_module(project: Project) -> None:
    assert project.spawn("version").out == project.arvo("version").out
    assert project.spawn("--help").out.startswith("Usage: arvo [OPTIONS] COMMAND")
