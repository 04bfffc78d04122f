"""Lines of files and pipes: all of them, none too long, and errors told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.cli.line_reader import CHUNK_BYTES, LineReader, opened_input
from tests.unit.cli.events import a_charge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Project

LONGEST = 20


async def lines_of(path: Path, longest: int = LONGEST) -> list[bytes]:
    with opened_input(str(path)) as descriptor:
        reader = LineReader(descriptor, longest)
        lines = [line async for line in reader]
        assert reader.read_bytes == reader.size_bytes
        return lines


@given(text=st.text(alphabet="ab\n").map(str.encode) | st.binary())
async def test_a_file_gives_its_lines_and_no_more_than_asked_for_of_each(
    tmp_path_factory: pytest.TempPathFactory, text: bytes
) -> None:
    path = tmp_path_factory.mktemp("lines") / "file"
    path.write_bytes(text)
    expected = text.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert await lines_of(path) == [line[: LONGEST + 1] for line in expected]


async def test_lines_across_the_chunks_in_which_a_file_is_read_are_whole(tmp_path: Path) -> None:
    lines = [bytes([65 + number % 26]) * (number * 37 % 1000) for number in range(1000)]
    path = tmp_path / "file"
    path.write_bytes(b"\n".join([*lines, b"end"]))
    assert path.stat().st_size > 5 * CHUNK_BYTES
    assert await lines_of(path, longest=1000) == [*lines, b"end"]


async def test_of_an_endless_line_only_the_start_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (3 * CHUNK_BYTES) + b"\nnext\n")
    assert await lines_of(path) == [b"x" * (LONGEST + 1), b"next"]


async def test_a_pipe_has_no_size_and_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo")
    os.close(writing)
    reader = LineReader(reading, LONGEST)
    assert reader.size_bytes is None
    assert [line async for line in reader] == [b"one", b"two"]
    assert reader.read_bytes == 7
    os.close(reading)


async def test_a_pipe_that_fails_raises_its_error() -> None:
    reading, writing = os.pipe()
    reader = LineReader(writing, LONGEST)
    with pytest.raises(OSError, match="Bad file descriptor"):
        await anext(aiter(reader))
    os.close(reading)
    os.close(writing)


def test_a_run_whose_input_fails_in_the_middle_ends_with_what_it_had(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.read

    def fail_at_the_end(descriptor: int, size: int) -> bytes:
        chunk = read(descriptor, size)
        if not chunk:
            raise OSError(5, "Input/output error")
        return chunk

    monkeypatch.setattr(os, "read", fail_at_the_end)
    project.write("events.jsonl", a_charge())
    done = project.run()
    assert done.code == 1
    assert "1 input in " in done.out
    assert "Stopped by an error while reading: Input/output error. Inputs not finished: 0." in done.out
