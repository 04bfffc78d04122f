"""Which broker an address means."""

from __future__ import annotations

import pytest

from arvo.backends.nats import NatsBroker
from arvo.cli.brokers import broker_at
from arvo.cli.failure import CommandError


@pytest.mark.parametrize("url", ["nats://localhost:4222", "tls://user:secret@one,tls://two"])
def test_nats_is_known_by_its_schemes(url: str) -> None:
    assert isinstance(broker_at(url), NatsBroker)


@pytest.mark.parametrize("url", ["localhost:4222", "ibmmq://user:secret@host", ""])
def test_other_addresses_are_refused_without_giving_passwords_away(url: str) -> None:
    with pytest.raises(CommandError, match=r"nats://user:password@host") as caught:
        broker_at(url)
    assert "secret" not in str(caught.value)
