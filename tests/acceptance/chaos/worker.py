"""One worker process of a chaos run: `python -m tests.acceptance.chaos.worker LOG STORE`.

Its leases are short, so that a stopped process loses them soon. What it logs goes to the witness, too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from arvo.backends.postgres import PostgresStore
from arvo.backends.sqlite import SqliteStore
from arvo.errors import BackendError
from arvo.runtime import Worker
from tests.acceptance.chaos.app import chaos_app
from tests.acceptance.chaos.witness import Witness

LEASE = timedelta(seconds=2)
LONGEST_PAUSE_SECONDS = 0.1


class WitnessHandler(logging.Handler):
    """Hands what is logged to the witness."""

    def __init__(self, witness: Witness) -> None:
        super().__init__(logging.WARNING)
        self._witness = witness

    def emit(self, record: logging.LogRecord) -> None:
        self._witness.say(record.getMessage())


async def main(log: str, url: str) -> int:
    witness = Witness(Path(log))
    logging.getLogger("arvo").addHandler(WitnessHandler(witness))
    store = SqliteStore(url) if url.startswith("sqlite:") else PostgresStore(url)
    app = chaos_app(witness, longest_pause=LONGEST_PAUSE_SECONDS)
    try:
        async with store:
            worker = Worker(app, store, concurrency=16, lease=LEASE, heartbeat=LEASE / 4)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
            witness.say(f"stopped in good order: {await worker.run()}")
    except BackendError as error:
        witness.say(str(error))
        return os.EX_UNAVAILABLE
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
