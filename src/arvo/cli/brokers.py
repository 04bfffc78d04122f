"""Which message broker an address on a command line means. Back ends are imported only when named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arvo.cli.failure import CommandError

if TYPE_CHECKING:
    from arvo.ports import MessageBroker

__all__ = ["BROKER_VARIABLE", "broker_at"]

BROKER_VARIABLE: Final = "ARVO_BROKER"
"""The environment variable that may hold the address: a password does not belong on a command line."""

_NATS: Final = ("nats", "tls", "ws", "wss")
_RABBITMQ: Final = ("amqp", "amqps")


def broker_at(url: str) -> MessageBroker:
    """The broker at this address, not opened yet. Raises `CommandError` or `BackendError` when it names none."""
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme in _NATS:
        try:
            # Here and not above, because its driver is an extra.
            from arvo.backends.nats import NatsBroker
        except ModuleNotFoundError as error:
            raise CommandError(str(error)) from error
        return NatsBroker(url)
    if scheme in _RABBITMQ:
        try:
            from arvo.backends.rabbitmq import RabbitBroker
        except ModuleNotFoundError as error:
            raise CommandError(str(error)) from error
        return RabbitBroker(url)
    # Not repeated whole: what was mistyped may be an address with a password in it.
    named = f"starts with {scheme[:40]!r}" if scheme else "has no scheme"
    raise CommandError(
        f"The address of the broker {named}. Write nats://user:password@host:4222 or amqp://user:password@host/vhost."
    )
