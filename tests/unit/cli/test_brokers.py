"""Which broker an address means."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from arvo.backends.nats import NatsBroker
from arvo.cli import main
from arvo.cli.brokers import broker_at
from arvo.cli.failure import CommandError
from arvo.events import Event
from arvo.runtime.brokered.outbox import message_of
from tests.support.nats import NatsServer, nats

__all__ = ["nats"]


@pytest.mark.parametrize("url", ["nats://localhost:4222", "tls://user:secret@one,tls://two"])
def test_nats_is_known_by_its_schemes(url: str) -> None:
    assert isinstance(broker_at(url), NatsBroker)


@pytest.mark.parametrize("url", ["localhost:4222", "ibmmq://user:secret@host", ""])
def test_other_addresses_are_refused_without_giving_passwords_away(url: str) -> None:
    with pytest.raises(CommandError, match=r"nats://user:password@host") as caught:
        broker_at(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--broker", "nats://localhost:1", "--events", "-"], "--events goes only with --store URL, next to --broker"),
        (["--broker", "nats://localhost:1", "--memory", "sqlite:///x.db"], "--memory goes only with --events without"),
        (["--events", "-", "--callers", "com.web.shop"], "--callers goes only with --store URL or --broker URL"),
        (["--store", "sqlite:///x.db", "--callers", "com.web.shop"], "--callers goes only with --broker URL"),
    ],
)
def test_options_that_do_nothing_are_refused(options: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["run", "examples.orders.app:app", *options])
    assert result.exit_code == 2
    assert said in result.output


def test_broker_that_is_not_there_ends_the_command_with_one_line(tmp_path: Path) -> None:
    options = ["--store", f"sqlite:///{tmp_path}/orders.db", "--broker", "nats://user:secret@127.0.0.1:1"]
    result = CliRunner().invoke(main, ["run", "examples.orders.app:app", *options])
    assert result.exit_code == 2
    assert "nats://127.0.0.1:1 cannot be reached" in result.output
    assert "secret" not in result.output


def test_lines_are_worked_off_over_a_broker(tmp_path: Path, nats: NatsServer) -> None:
    """The app has all handlers of the process, so that the broker carries no more than the answers."""
    lines = Path("examples/orders/orders.jsonl").read_text(encoding="utf-8").splitlines()[:20]
    (tmp_path / "orders.jsonl").write_text("\n".join(lines), encoding="utf-8")
    options = ["--store", f"sqlite:///{tmp_path}/orders.db", "--events", str(tmp_path / "orders.jsonl")]
    result = CliRunner().invoke(main, ["run", "examples.orders.app:app", *options, "--broker", nats.url()])
    assert result.exit_code == 0, result.output
    assert "Events: 20 taken in" in result.output
    assert "outbox" not in result.output


@pytest.mark.parametrize("as_json", [True, False])
def test_worker_without_a_store_answers_over_the_broker_until_it_is_stopped(
    tmp_path: Path, nats: NatsServer, as_json: bool
) -> None:
    (tmp_path / "service.py").write_text(SERVICE, encoding="utf-8")
    options = ["--broker", nats.url(), *(["--json"] if as_json else [])]
    command = [sys.executable, "-m", "arvo", "run", "service:app", *options]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "Working on com.name.tell" in process.stderr.readline()
        asyncio.run(_ask(nats.url(), str(as_json)))
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert '"deliveries":1' in out if as_json else "1 deliveries" in out


async def _ask(url: str, name: str) -> None:
    request = Event(type="com.name.tell", source="com.web.shop", subject=name, data={"name": name})
    async with NatsBroker(url) as broker, broker.consumer({"com.web.shop": 1}) as consumer:
        await broker.publish([message_of(request)])
        (answer,) = await consumer.receive(1, timedelta(seconds=20))
        await consumer.ack([answer])
        assert Event.from_json(answer.body).data == {"name": name}
        # The worker acknowledges after it has published.
        await asyncio.sleep(0.2)


SERVICE = """
from arvo import App, Event, Handler, HandlerContext, Payload, SimpleContract

class Ask(Payload):
    name: str

class Told(Payload):
    name: str

contract = SimpleContract("name.tell", uri="#/services/name.tell")
tell_v1 = contract.version("1.0.0", accepts=Ask, emits=Told)
handler = Handler(contract)

@handler.on(tell_v1)
async def tell(event: Event[Ask], ctx: HandlerContext) -> Told:
    return Told(name=event.data.name)

app = App(handlers=[handler])
"""
