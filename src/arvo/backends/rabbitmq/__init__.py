"""The message broker on RabbitMQ. Needs the extra `rabbitmq`.

What is declared on the server is in `topology`, the connection that all share in `link`.
"""

try:
    import aio_pika as _driver  # noqa: F401  # pyright: ignore[reportUnusedImport]
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "The RabbitMQ broker needs aio-pika, which is not installed. Run: pip install 'arvo-event-handler[rabbitmq]'",
        name="aio_pika",
    ) from error

from arvo.backends.rabbitmq.broker import RabbitBroker

__all__ = ["RabbitBroker"]
