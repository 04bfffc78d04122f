"""Addresses become subjects and names of consumers one to one, and never mean anything else there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.backends.nats.address import Address
from arvo.backends.nats.names import Names

NAMES = Names("arvo")
addresses = st.text(min_size=1, max_size=30) | st.text("a.=_-*>/2E5F ", min_size=1, max_size=12)
long_addresses = st.text("a.*", min_size=100, max_size=300)


@given(addresses | long_addresses, addresses | long_addresses)
def test_different_addresses_have_different_names(one: str, other: str) -> None:
    same = one == other
    assert (NAMES.subject(one) == NAMES.subject(other)) is same
    assert (NAMES.consumer(one) == NAMES.consumer(other)) is same


@given(addresses | long_addresses)
def test_names_are_ones_that_the_server_takes(address: str) -> None:
    assert re.fullmatch(r"arvo\.event(\.[A-Za-z0-9_=-]+)+", NAMES.subject(address))
    assert re.fullmatch(r"[A-Za-z0-9_=-]{1,255}", NAMES.consumer(address))


def test_names_are_readable_where_addresses_are() -> None:
    assert NAMES.subject("com.card.charge") == "arvo.event.com.card.charge"
    assert NAMES.consumer("com.card.charge") == "com_card_charge"
    assert NAMES.dead_subject("com/a b") == "arvo.dead.com=2Fa=20b"


@pytest.mark.parametrize(
    ("url", "shown", "login"),
    [
        ("nats://host", "nats://host", {}),
        ("nats://token@host:1", "nats://host:1", {"token": "token"}),
        ("nats://user:a%2Fb@host", "nats://host", {"user": "user", "password": "a/b"}),
        ("tls://one, tls://u:p@two", "tls://one,tls://two", {"user": "u", "password": "p"}),
    ],
)
def test_address_is_shown_without_what_is_secret(url: str, shown: str, login: dict[str, str]) -> None:
    address = Address(url)
    assert str(address) == shown
    assert address.login == login
    assert address.scrubbed(f"{url}\nline") == f"{address.scrubbed(url)} line"
    assert not set(login.values()) - {"user", "u"} & set(re.split(r"[:@/, ]+", address.scrubbed(url)))
