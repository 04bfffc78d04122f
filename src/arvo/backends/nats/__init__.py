"""The message broker on NATS JetStream. Needs the extra `nats`.

What is declared on the server is in `declaration`, how addresses become subjects in `names`.
"""

try:
    import nats as _driver  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "The NATS broker needs nats-py, which is not installed. Run: pip install 'arvo-event-handler[nats]'",
        name="nats",
    ) from error

from arvo.backends.nats.broker import NatsBroker

__all__ = ["NatsBroker"]
