"""Which broker an address means."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from arvo.backends.nats import NatsBroker
from arvo.cli import main
from arvo.cli.brokers import broker_at
from arvo.cli.failure import CommandError
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
        (["--broker", "nats://localhost:1", "--events", "-"], "--broker goes only with --store URL"),
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
