"""What a failure of RabbitMQ means to the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aio_pika import exceptions
from aiormq.exceptions import ChannelAccessRefused, ConnectionNotAllowed

from arvo.errors import BackendError

if TYPE_CHECKING:
    from arvo.backends.rabbitmq.address import Address

__all__ = ["FAILURES", "backend_error"]

FAILURES: Final = (*exceptions.CONNECTION_EXCEPTIONS, TimeoutError)
"""Everything that the driver raises for reasons outside this program."""

_ADVICE: Final[tuple[tuple[tuple[type[BaseException], ...], tuple[str, str]], ...]] = (
    (
        (exceptions.AuthenticationError, exceptions.ProbableAuthenticationError),
        ("refused the credentials", "Correct user and password in the address"),
    ),
    ((ConnectionNotAllowed,), ("does not let this user in", "Correct the virtual host, or grant access to it")),
    (
        (ChannelAccessRefused,),
        ("does not allow this", "Grant the permission (rabbitmqctl set_permissions), or have it declared by who may"),
    ),
    (
        (exceptions.ChannelPreconditionFailed,),
        ("refused what was asked of a queue", "Its log may say more; a held message may have met consumer_timeout"),
    ),
    ((exceptions.PublishError,), ("has no queue for a message", "Open the broker anew, so that it declares the queue")),
    ((exceptions.DeliveryError,), ("takes no more", "Make room: raise the limit of the queue, or consume what waits")),
    (
        (ConnectionRefusedError,),
        ("cannot be reached: nothing listens there", "Start the server, or correct host and port"),
    ),
    ((TimeoutError,), ("did not answer in time", "Check its load and its alarms, and the network between")),
    ((OSError,), ("cannot be reached", "Check that it runs, and that host and port are those it listens on")),
)
_DROPPED: Final = ("dropped the connection", "Check that it runs; its log says why it dropped it")


def backend_error(error: BaseException, address: Address) -> BackendError:
    """The BackendError for a failure."""
    what, advice = _found(error)
    details = address.scrubbed(str(error)) or type(error).__name__
    own = BackendError(f"The RabbitMQ server at {address} {what} ({details}). {advice}.")
    own.__cause__ = error
    return own


def _found(error: BaseException) -> tuple[str, str]:
    # The driver hides what the server and the operating system said.
    if "Connection.OpenOk" in str(error):
        error = ConnectionNotAllowed("the virtual host could not be opened")
    if isinstance(error, exceptions.AMQPConnectionError) and "111" in str(error):
        error = ConnectionRefusedError(str(error))
    return next((found for kinds, found in _ADVICE if isinstance(error, kinds)), _DROPPED)
