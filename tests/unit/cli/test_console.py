"""Terminals, pipes that close, disks that are full: where the output of a command may go."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
from typing import TYPE_CHECKING

import click
import pytest

from arvo.cli.console import Console, shortened, visible
from tests.unit.cli.events import a_charge, an_order

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

ERASE = "\r\x1b[K"


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_progress_on_a_terminal_is_one_line_that_gives_way_to_others(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    console = Console(clock)
    console.progress(lambda: "too early")
    clock.seconds = 0.2
    console.progress(lambda: "1 done")
    console.progress(lambda: "too early")
    clock.seconds = 0.4
    console.progress(lambda: "2 done")
    console.note("watch out")
    console.row("a row")
    assert capsys.readouterr() == ("a row\n", f"1 done{ERASE}2 done{ERASE}watch out\n")


def test_progress_in_a_log_is_a_line_every_few_seconds(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(clock)
    for second in range(12):
        clock.seconds = second
        console.progress(lambda: f"{int(clock.seconds)} done")
    console.note("end")
    assert capsys.readouterr().err == "5 done\n10 done\nend\n"


def test_a_terminal_without_cursor_control_gets_no_escape_codes(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    console = Console(clock)
    clock.seconds = 6
    console.progress(lambda: "1 done")
    assert capsys.readouterr().err == "1 done\n"


def test_output_that_is_lost_is_told_once_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    told: list[str] = []

    def full(text: object, **_: object) -> None:
        tried.append(text)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(click, "echo", full)
    console = Console()
    console.on_lost = lambda: told.append("lost")
    console.row("one")
    console.row("two")
    console.note("standard error may fail as well")
    assert (tried[0], len(tried), told) == ("one", 2, ["lost"])
    assert console.lost is not None
    assert not console.reader_is_gone


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("a\nb\t\x1b[0m", "a\\nb\\t\\x1b[0m"), ("\u202eZoë\x85", "\\u202eZoë\\x85"), ("", "")],
)
def test_what_could_steer_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_long_text_is_cut_with_dots() -> None:
    assert (shortened("abcdef", 6), shortened("abcdefg", 6)) == ("abcdef", "abc...")


def run_in_terminal(project: Project, *arguments: str, **environment: str) -> str:
    """What a person would see of both streams."""
    main_end, terminal = pty.openpty()
    with subprocess.Popen(
        [*project.command, *arguments],
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", **environment},
    ):
        os.close(terminal)
        seen = b""
        while True:
            try:
                chunk = os.read(main_end, 65536)
            except OSError:  # so Linux says that the other end is closed
                break
            seen += chunk
            if not chunk:
                break
    os.close(main_end)
    return seen.decode().replace("\r\n", "\n")


def test_a_terminal_shows_colours_unless_they_are_not_wanted(project: Project) -> None:
    project.write("events.jsonl", an_order(), a_charge(how="broken"), "bad")
    command = ("run", "shop:app", "--events", "events.jsonl")
    coloured = run_in_terminal(project, *command)
    assert "\x1b[1marvo.orc.order\x1b[0m order-1" in coloured
    assert "\x1b" not in run_in_terminal(project, *command, NO_COLOR="1")
    assert "\x1b" not in run_in_terminal(project, *command, TERM="dumb")


def test_errors_are_plain_too_when_no_colour_is_wanted(project: Project) -> None:
    assert run_in_terminal(project, "run", "x:app", "--events", "x", NO_COLOR="1").startswith("Error: There is no")


def test_a_run_stops_quietly_when_nobody_reads_its_output_any_more(project: Project) -> None:
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}") for number in range(20_000)))
    with project.start("run", "shop:app", "--events", "events.jsonl", "--timeline", "every") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read().decode()
        process.wait(timeout=60)
    assert process.returncode == 141
    assert err.startswith("Standard output failed (Broken pipe), so the run was stopped. Inputs not finished: ")
    assert len(err.splitlines()) == 1


def test_a_full_disk_behind_standard_output_stops_the_run_with_its_reason(project: Project) -> None:
    project.write("events.jsonl", *(a_charge(id=f"charge-{number}") for number in range(2_000)))
    command = [*project.command, "run", "shop:app", "--events", "events.jsonl", "--json"]
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Standard output failed (No space left on device), so the run was stopped.")
    assert b"Traceback" not in done.stderr


def test_other_commands_end_without_a_traceback_too_when_nobody_reads(project: Project) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*project.command, "version"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1
