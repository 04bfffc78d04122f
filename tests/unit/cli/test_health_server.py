"""`arvo run --health`: what a supervisor is told, and that odd clients do no harm."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.cli import health_server
from arvo.cli.failure import CommandError
from arvo.cli.health_server import HealthServer, Listening, parse_listening
from arvo.runtime.worker.health import WorkerHealth

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Project

HERE = Listening("127.0.0.1", 0)


def health(*, ready: bool = True) -> WorkerHealth:
    return WorkerHealth(
        worker="worker-1",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        last_answer_at=None,
        silent_for=timedelta(seconds=1.5),
        lanes=3,
        stopping=False,
        ready=ready,
    )


def ask(request: bytes, how: Callable[[], WorkerHealth] = health) -> tuple[str, bytes]:
    """The status line and the body of the answer to a request."""

    async def asked() -> tuple[str, bytes]:
        async with HealthServer(HERE, how).open() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
            writer.write(request)
            answer = await reader.read()
            writer.close()
            head, _, body = answer.partition(b"\r\n\r\n")
            return head.split(b"\r\n")[0].decode(), body

    return asyncio.run(asked())


def test_a_worker_that_takes_events_is_ready() -> None:
    status, body = ask(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status == "HTTP/1.1 200 OK"
    assert json.loads(body) == {
        "worker": "worker-1",
        "ready": True,
        "stopping": False,
        "lanes": 3,
        "started_at": "2026-01-01T00:00:00Z",
        "store_silent_seconds": 1.5,
    }


def test_a_worker_that_takes_none_lives_but_is_not_ready() -> None:
    assert ask(b"GET /ready?x=1 HTTP/1.0\r\n\r\n", lambda: health(ready=False))[0] == "HTTP/1.1 503 Service Unavailable"
    assert ask(b"GET /live HTTP/1.1\r\n\r\n", lambda: health(ready=False))[0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found"),
        (b"POST /live HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed"),
        (b"hello\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET /live HTTP/2\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        (b"GET /live HTTP/1.1\r\n" + b"x" * 20_000, "HTTP/1.1 431 Request Header Fields Too Large"),
        (b"\xff" * 40_000, "HTTP/1.1 431 Request Header Fields Too Large"),
    ],
)
def test_other_requests_are_refused(request_: bytes, status: str) -> None:
    found, body = ask(request_)
    assert found == status
    assert set(json.loads(body)) == {"error"}


def test_a_head_request_gets_no_body() -> None:
    assert ask(b"HEAD /live HTTP/1.1\r\n\r\n") == ("HTTP/1.1 200 OK", b"")
    assert ask(b"HEAD /x HTTP/1.1\r\n\r\n") == ("HTTP/1.1 404 Not Found", b"")


async def test_a_client_that_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "SECONDS", 0.05)
    async with HealthServer(HERE, health).open() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        writer.write(b"GET /li")
        assert await reader.read() == b""
        writer.close()


async def test_too_many_clients_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_server, "MOST_CLIENTS", 1)
    async with HealthServer(HERE, health).open() as server:
        _, first = await asyncio.open_connection("127.0.0.1", server.address.port)
        await asyncio.sleep(0.05)
        reader, second = await asyncio.open_connection("127.0.0.1", server.address.port)
        assert await reader.read() == b""
        second.close()
        first.close()


async def test_closing_does_not_wait_for_clients() -> None:
    async with asyncio.timeout(3):
        async with HealthServer(HERE, health).open() as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
            await asyncio.sleep(0.05)
        writer.close()


async def test_a_port_that_is_taken_is_told() -> None:
    async with HealthServer(HERE, health).open() as server:
        with pytest.raises(CommandError, match=f"Nothing can listen at 127.0.0.1:{server.address.port} for --health: "):
            async with HealthServer(server.address, health).open():
                pass


@pytest.mark.parametrize(
    ("text", "place", "is_local"),
    [
        ("8080", "127.0.0.1:8080", True),
        ("localhost:80", "localhost:80", True),
        ("0.0.0.0:80", "0.0.0.0:80", False),
        ("[::1]:80", "[::1]:80", True),
        ("health.example.com:80", "health.example.com:80", False),
    ],
)
def test_a_place_is_a_port_or_host_and_port(text: str, place: str, *, is_local: bool) -> None:
    found = parse_listening(text)
    assert (str(found), found.is_local) == (place, is_local)


@pytest.mark.parametrize("text", ["", ":80", "host", "host:", "70000", "-1", "\N{ARABIC-INDIC DIGIT EIGHT}"])
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="is no place to listen at"):
        parse_listening(text)


def test_a_wrong_place_is_told_before_anything_is_opened(project: Project) -> None:
    done = project.arvo("run", "shop:app", "--store", "sqlite:///orders.db", "--health", "here")
    assert done.code == 2
    assert done.err.endswith("'here' is no place to listen at. Write a port, as in 8080, or 0.0.0.0:8080.\n")
    assert not (project.folder / "orders.db").exists()
    alone = project.arvo("run", "shop:app", "--events", "-", "--health", "80")
    assert alone.err.endswith("--health goes only with --store URL.\n")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def fetch(url: str) -> Any:
    """The JSON of a page; the error's, too."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - it is our own
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def test_a_running_worker_answers_until_it_ends(project: Project) -> None:
    port = free_port()
    options = ("--store", "sqlite:///orders.db", "--health", f"0.0.0.0:{port}")
    with project.start("run", "shop:app", *options) as worker:
        assert worker.stderr is not None
        line = b""
        while not line.startswith(b"Working on "):
            line = worker.stderr.readline()
            assert line, "it ended"
            if line.startswith(b"Health: "):
                assert line == f"Health: http://0.0.0.0:{port}/ready and /live.\n".encode()
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while not fetch(f"http://127.0.0.1:{port}/ready")["ready"]:
            assert datetime.now(UTC) < deadline
        assert fetch(f"http://127.0.0.1:{port}/live")["lanes"] == 0
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=30)
    assert worker.returncode == 0


def test_a_port_that_is_taken_ends_the_worker_before_it_begins(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = project.arvo("run", "shop:app", "--store", "sqlite:///orders.db", "--health", str(port))
    assert done.code == 2
    assert done.err.endswith(f"Error: Nothing can listen at 127.0.0.1:{port} for --health: Address already in use.\n")
