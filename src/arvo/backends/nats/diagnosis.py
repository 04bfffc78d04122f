"""What a failure of NATS means to the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats.errors
import nats.js.errors

from arvo.errors import BackendError

if TYPE_CHECKING:
    from arvo.backends.nats.address import Address

__all__ = ["FAILURES", "backend_error", "is_refusal"]

FAILURES = (nats.errors.Error, OSError, TimeoutError)
"""Everything that the driver raises for reasons outside this program."""

_FULL = (10023, 10028, 10047, 10077)
"""Error codes of JetStream: insufficient resources, storage exceeded, store failed (a limit of the stream)."""

_ADVICE: tuple[tuple[tuple[type[Exception], ...], tuple[str, str]], ...] = (
    (
        (nats.js.errors.NoStreamResponseError, nats.errors.NoRespondersError),
        ("has no JetStream, or not the stream", "Start it with JetStream (nats-server -js), and open the broker anew"),
    ),
    (
        (nats.js.errors.ServiceUnavailableError,),
        ("has no JetStream at the moment", "Wait until its cluster has a leader; a single server needs -js"),
    ),
    ((nats.js.errors.APIError,), ("refused a request of JetStream", "Its log may say more")),
    (
        (ConnectionRefusedError,),
        ("cannot be reached: nothing listens there", "Start the server, or correct host and port"),
    ),
    ((TimeoutError,), ("did not answer in time", "Check its load, and the network between")),
    ((OSError,), ("cannot be reached", "Check that it runs, and that host and port are those it listens on")),
)
_DROPPED = ("dropped the connection", "Check that it runs; its log says why it dropped it")


def backend_error(error: BaseException, address: Address, *, denied: str = "") -> BackendError:
    """The BackendError for a failure; `denied` is what the server has lately said that this user may not do."""
    what, advice = _found(error)
    details = str(error) or type(error).__name__
    if denied and isinstance(error, TimeoutError):
        what, details = f"does not allow this to {address.user!r}", denied
        advice = "Grant the permission, or have somebody who has it declare the streams"
    own = BackendError(f"The NATS server at {address} {what} ({address.scrubbed(details)}). {advice}.")
    own.__cause__ = error
    return own


def is_refusal(error: BaseException) -> bool:
    """Whether the server did not take the credentials."""
    text = str(error).lower()
    return isinstance(error, nats.errors.Error) and ("authorization" in text or "authentication" in text)


def _found(error: BaseException) -> tuple[str, str]:
    if is_refusal(error):
        return "refused the credentials", "Correct user, password or token in the address, or the credentials file"
    if isinstance(error, nats.js.errors.APIError) and error.err_code in _FULL:
        return "takes no more", "Make room: raise the limits of the stream or the account, or consume what waits"
    return next((found for kinds, found in _ADVICE if isinstance(error, kinds)), _DROPPED)
