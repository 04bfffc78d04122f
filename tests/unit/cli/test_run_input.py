"""What `arvo run` takes as input, and what it says about the rest."""

from __future__ import annotations

import json
import os
import subprocess
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from arvo.events import MAX_EVENT_BYTES
from tests.unit.cli.events import a_charge, an_order

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project


def test_a_short_event_is_completed_from_its_contract(project: Project) -> None:
    project.write("events.jsonl", {"type": "com.card.charge", "data": {"cents": 1}})
    done = project.run("--json")
    (step,) = done.of_kind("step")
    (outcome,) = done.of_kind("outcome")
    assert done.code == 0
    assert step["emitted"][0]["dataschema"] == "#/services/card.charge/2.0.0"
    assert outcome["answer"]["to"] == "com.arvo.cli"


def test_the_dataschema_of_a_short_event_picks_the_version(project: Project) -> None:
    project.write(
        "events.jsonl",
        a_charge(dataschema="#/services/card.charge/1.0.0", data={"cents": 5000}),
        a_charge(id="charge-2", dataschema="#/services/card.charge/9.0.0"),
    )
    done = project.run("--json")
    assert done.of_kind("outcome")[0]["answer"]["data"] == {"reason": "too much"}
    assert "has no version with the dataschema '#/services/card.charge/9.0.0'" in done.of_kind("bad_line")[0]["reason"]
    assert done.code == 1


def test_the_same_line_opens_the_same_process_each_time(project: Project) -> None:
    project.write("events.jsonl", an_order())
    (first,) = project.run("--json").of_kind("outcome")
    (again,) = project.spawn("run", "shop:app", "--events", "events.jsonl", "--json").of_kind("outcome")
    assert first["answer"]["subject"] == again["answer"]["subject"]
    assert first["answer"]["id"] == again["answer"]["id"]


def test_a_whole_event_is_taken_as_it_is(project: Project) -> None:
    project.write("events.jsonl", a_charge(subject="some/process", parentid="other-1", color="red"))
    done = project.run("--json")
    assert done.of_kind("outcome")[0]["answer"]["subject"] == "some/process"
    assert done.of_kind("step")[0]["event"]["parentid"] == "other-1"


def test_an_event_with_a_subject_but_no_id_gets_one(project: Project) -> None:
    line = a_charge(subject="some/process")
    del line["id"]
    project.write("events.jsonl", line)
    assert project.run("--json").of_kind("outcome")[0]["answer"]["subject"] == "some/process"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{]", "The line is not JSON: object keys must be strings (byte 1)."),
        ("[1]", "The line is JSON, but not an object."),
        ("7", "The line is JSON, but not an object."),
        (b"\xff\xfe{}", "The line is not UTF-8: invalid start byte at byte 0."),
        ("[" * 100_000, "The line is not JSON:"),
        ("{}", "The event has no type and data."),
        ('{"type": "com.card.charge"}', "The event has no data."),
        ({"type": "com.card.charg", "data": {}}, "accepts 'com.card.charg'. Did you mean 'com.card.charge'?"),
        ({"type": "net.else", "data": {}}, "accepts 'net.else'. Events of others need an id, a source and a subject."),
        ({"type": 7, "data": {}}, "No contract of this app accepts 7."),
        (a_charge(data=[1]), "data"),
        (a_charge(source="a b"), "(initiator 'a b' must be three or more dotted segments of a-z and 0-9)"),
        (a_charge(domain="A"), "domain"),
        ({**a_charge(), "id": 7}, "id"),
        (a_charge(source=7), "source"),
        (a_charge(to=""), "to"),
        (a_charge(subject="x", type="Bad"), "type"),
        (a_charge(data={"cents": "9" * MAX_EVENT_BYTES}), f"longer than {MAX_EVENT_BYTES} bytes"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_bad_line_is_reported_by_number_and_the_rest_goes_on(project: Project, line: str, reason: str) -> None:
    project.write("events.jsonl", a_charge(), "", line, a_charge(id="charge-2"))
    done = project.run()
    assert done.code == 1
    (told,) = [row for row in done.err.splitlines() if row.startswith("events.jsonl:")]
    assert told.startswith("events.jsonl:3: ")
    assert reason in told
    assert "Traceback" not in done.err
    assert "2 inputs in " in done.out
    assert "Not usable: 1 line." in done.out


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(project: Project) -> None:
    text = f"\ufeff{json.dumps(a_charge())}\r\n{json.dumps(a_charge(id='charge-2'))}\r"
    (project.folder / "events.jsonl").write_bytes(text.encode())
    done = project.run()
    assert (done.code, done.err) == (0, "")
    assert "2 inputs in " in done.out


def test_many_bad_lines_are_counted_rather_than_shown(project: Project) -> None:
    project.write("events.jsonl", *["x"] * 250)
    done = project.run()
    assert len(done.err.splitlines()) == 101
    assert "Not usable: 250 lines." in done.out
    assert [bad["line"] for bad in project.run("--json").of_kind("bad_line")] == [*range(1, 251)]


def test_an_empty_file_runs_nothing_and_says_so(project: Project) -> None:
    project.write("events.jsonl")
    done = project.run()
    assert done.code == 0
    assert done.out.startswith("0 inputs in ")
    assert done.err == "There was nothing to run: the input holds no events.\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.jsonl", "missing.jsonl cannot be read: No such file or directory."),
        (".", ". cannot be read: Is a directory."),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_of_one_line(project: Project, path: str, reason: str) -> None:
    done = project.arvo("run", "shop:app", "--events", path)
    assert (done.code, done.out, done.err) == (2, "", f"Error: {reason}\n")


def test_events_can_be_piped_in(project: Project) -> None:
    given = b"".join(json.dumps(a_charge(id=f"charge-{n}")).encode() + b"\n" for n in range(500))
    done = project.spawn("run", "shop:app", "--events", "-", "--timeline", "none", given=given)
    assert (done.code, done.err) == (0, "")
    assert "500 inputs in " in done.out


def test_bad_piped_lines_name_standard_input(project: Project) -> None:
    done = project.spawn("run", "shop:app", "--events", "-", given=b"\n" + b"x" * (MAX_EVENT_BYTES * 3) + b"\nno\n")
    assert done.code == 1
    assert done.err.splitlines() == [
        f"<stdin>:2: The line is longer than {MAX_EVENT_BYTES} bytes. An event must fit into that.",
        "<stdin>:3: The line is not JSON: Input data was truncated. Write one event a line.",
    ]


def test_events_are_handled_as_they_are_piped_in(project: Project) -> None:
    with project.start("run", "shop:app", "--events", "-", "--json", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(a_charge()).encode() + b"\n")
        process.stdin.flush()
        kinds = [json.loads(process.stdout.readline())["kind"] for _ in range(2)]
        assert kinds == ["step", "outcome"]
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_standard_input_may_be_a_file(project: Project) -> None:
    project.write("events.jsonl", a_charge())
    with (
        (project.folder / "events.jsonl").open("rb") as file,
        project.start("run", "shop:app", "--events", "-", stdin=file) as process,
    ):
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"com.card.charge charge-1 from com.shop.web, line 1\n")


def test_standard_input_may_be_closed(project: Project) -> None:
    command = [*project.command, "run", "shop:app", "--events", "-"]
    done = subprocess.run(["sh", "-c", f"exec {' '.join(command)} <&-"], capture_output=True, check=False)  # noqa: S607
    assert (done.returncode, done.stderr) == (2, b"Error: <stdin> cannot be read: it is closed.\n")


def test_a_named_pipe_is_read_to_its_end(project: Project) -> None:
    os.mkfifo(project.folder / "pipe")
    lines = json.dumps(a_charge()).encode() + b"\n"
    writer = Thread(target=(project.folder / "pipe").write_bytes, args=(lines,))
    writer.start()
    done = project.spawn("run", "shop:app", "--events", "pipe")
    writer.join()
    assert "1 input in " in done.out
