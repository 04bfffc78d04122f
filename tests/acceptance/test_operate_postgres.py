"""The commands that operate a store on a real Postgres server: at work, and when it is not what it should be.

Each command runs in a process of its own, as a user's does.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.postgres import PostgresServer, postgres, running_postgres

__all__ = ["postgres"]

DEPOT = Path(__file__).resolve().parents[1] / "unit" / "cli" / "operate" / "depot.py"


class Shell:
    """Runs commands in a folder that has the app, on a store that is in their environment."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def arvo(self, *arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `arvo`."""
        return subprocess.run(
            [sys.executable, "-m", "arvo", *arguments],
            cwd=self.folder,
            env={**os.environ, "ARVO_STORE": url or self.url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """What `arvo` prints as JSON."""
        done = self.arvo(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def work(self, *lines: dict[str, Any]) -> None:
        """Take in events, and work until nothing is left to do now."""
        (self.folder / "events.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        done = self.arvo("run", "depot:app", "--events", "events.jsonl")
        assert done.returncode in (0, 1), done.stderr


@pytest.fixture
def shell(tmp_path: Path, postgres: PostgresServer) -> Shell:
    (tmp_path / "depot.py").write_text(DEPOT.read_text(encoding="utf-8"), encoding="utf-8")
    return Shell(tmp_path, asyncio.run(postgres.new_database()))


@pytest.fixture
def store(shell: Shell) -> Shell:
    """With tables, a family of workflows that ask somebody, one that failed, and a dead letter."""
    assert shell.arvo("store", "upgrade").returncode == 0
    shell.work(
        {"id": "b", "type": "arvo.orc.bundle", "source": "com.web.desk", "data": {"names": ["lamp", "desk"]}},
        {"id": "i", "type": "arvo.orc.item", "source": "com.web.desk", "data": {"name": "broken"}},
        {"id": "p", "type": "com.post.send", "source": "com.web.desk", "data": {"to": "ada"}},
    )
    return shell


def error_of(done: subprocess.CompletedProcess[str], shell: Shell) -> str:
    """The one line of an unusable store, without a password in it."""
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "secret" not in line
    assert shell.url.partition("://")[2].partition(":")[2].partition("@")[0] not in line
    return line.removeprefix("Error: ")


def test_a_store_is_operated_as_it_is_on_sqlite(store: Shell) -> None:
    (status,) = store.objects("status")
    assert status["workflows"] == {"active": 3, "done": 0, "failed": 1, "cancelled": 0}
    assert (status["dead_letters"], status["inbox"], status["unserved"]) == (1, {"human": 2}, ["com.web.desk"])

    (store.folder / "mended").touch()
    (letter,) = store.objects("dead-letters", "list")
    assert store.objects("dead-letters", "retry", str(letter["number"]))[0]["numbers"] == [letter["number"]]
    (failed,) = store.objects("workflow", "list", "--status", "failed")
    assert store.objects("workflow", "retry", str(failed["number"]), "--yes")[0]["event_id"] == "i"
    answer = ("--app", "depot:app", "--type", "evt.human.ask.approved", "--data", '{"by": "mara"}')
    for waiting in store.objects("inbox", "list"):
        assert store.objects("inbox", "answer", waiting["event_id"], *answer)[0]["served"] is False
    store.work()
    (status,) = store.objects("status")
    assert status["workflows"] == {"active": 1, "done": 3, "failed": 0, "cancelled": 0}

    (retried,) = store.objects("workflow", "list", "--status", "active")
    (cancelled,) = store.objects("workflow", "cancel", str(retried["number"]), "--app", "depot:app", "--yes")
    assert (cancelled["told"], cancelled["questions"]) == (["com.web.desk"], 1)
    (bundle,) = store.objects("workflow", "list", "--handler", "arvo.orc.bundle")
    (shown,) = store.objects("workflow", "show", str(bundle["number"]))
    assert [child["status"] for child in shown["family"]["children"]] == ["done", "done"]
    assert shown["outputs"][0]["data"] == {"by": ["mara", "mara"]}
    (pruned,) = store.objects("store", "prune", "--ended-workflows", "0s")
    assert pruned["workflows"] == 4
    (dropped,) = store.objects("store", "drop-unclaimed", "com.web.desk", "--older-than", "0s", "--yes")
    assert dropped["events"] == 4


def test_a_wrong_password_is_told(shell: Shell, postgres: PostgresServer) -> None:
    done = shell.arvo("status", url=postgres.url().replace(postgres.password, "secret"))
    assert " refused the password of 'arvo' " in error_of(done, shell)


def test_a_database_that_is_not_there_is_told(shell: Shell, postgres: PostgresServer) -> None:
    assert " has no database 'nothing' " in error_of(shell.arvo("status", url=postgres.url("nothing")), shell)


def test_a_database_without_tables_is_told_and_gets_none(shell: Shell) -> None:
    message = error_of(shell.arvo("workflow", "list"), shell)
    assert " has no tables of Arvo, and this Arvo needs version " in message
    assert " Run: arvo store upgrade --store postgresql://arvo@127.0.0.1" in message
    assert " has no tables of Arvo, " in error_of(shell.arvo("status"), shell)


@pytest.mark.parametrize(("version", "message"), [(1, "has version 1 of Arvo's tables"), (999, "made by a newer Arvo")])
def test_tables_of_another_version_are_told(store: Shell, version: int, message: str) -> None:
    async def pretend() -> None:
        connection = await asyncpg.connect(store.url)
        schema = await connection.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'arvo_schema'")
        await connection.execute(f'SET search_path TO "{schema}"')
        await connection.execute("UPDATE arvo_schema SET version = $1", version)
        await connection.close()

    asyncio.run(pretend())
    assert message in error_of(store.arvo("status"), store)


def test_a_user_who_may_only_read_is_told_and_nothing_is_lost(store: Shell) -> None:
    async def make_reader() -> None:
        connection = await asyncpg.connect(store.url)
        schema = await connection.fetchval("SELECT schemaname FROM pg_tables WHERE tablename = 'arvo_schema'")
        await connection.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'")
        await connection.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO reader')
        await connection.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA "{schema}" TO reader')
        await connection.close()

    asyncio.run(make_reader())
    address = store.url.partition("@")[2]
    reader = f"postgresql://reader:secret@{address}"
    assert store.arvo("status", url=reader).returncode == 0
    (letter,) = store.objects("dead-letters", "list")
    done = store.arvo("dead-letters", "retry", str(letter["number"]), url=reader)
    assert "does not allow this to 'reader'" in error_of(done, store)
    assert store.objects("dead-letters", "list") == [letter]


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with running_postgres() as server:
        shell = Shell(tmp_path, server.url())
    assert " cannot be reached: nothing listens there " in error_of(shell.arvo("inbox", "list"), shell)
