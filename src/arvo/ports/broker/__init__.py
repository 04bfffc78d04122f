"""The message broker: how events travel between processes that share no store.

`port` holds the Protocols and their promises, `messages` what is handed to a broker and comes back from it. How events
become messages is in `arvo.events.wire`; the in-process broker of an `App` is something else.
"""

from arvo.ports.broker.messages import (
    BrokerPromises,
    DeadMessage,
    MessageRefused,
    OutgoingMessage,
    ReceivedMessage,
)
from arvo.ports.broker.port import MessageBroker, MessageConsumer

__all__ = [
    "BrokerPromises",
    "DeadMessage",
    "MessageBroker",
    "MessageConsumer",
    "MessageRefused",
    "OutgoingMessage",
    "ReceivedMessage",
]
