"""Being stopped by Ctrl-C or SIGTERM: in good order first, and in any case before anybody loses patience."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING, Final

from arvo.cli.failure import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

__all__ = ["Stopping", "stoppable"]

CUT_OFF_SECONDS: Final = 1.5
"""So long after the signal the process ends even if something in it never gives way, such as a handler that blocks."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """What is to be done when a signal comes, and which one came.

    `on_signal` is called in the event loop; without one, the task that `stoppable` was entered in is cancelled.
    `undone` describes, in a thread of its own, what a process that has to be cut off leaves behind.
    """

    def __init__(self) -> None:
        self.signal: str | None = None
        self.on_signal: Callable[[], object] | None = None
        self.undone: Callable[[], str] = lambda: ""

    @property
    def exit_code(self) -> int:
        """What a process stopped by this signal ends with."""
        return ExitCode.SIGNALS[self.signal or "SIGINT"]

    def cut_off(self) -> None:
        """End the process here and now."""
        with suppress(OSError):
            message = f"Stopped by {self.signal}: something in the app did not give way, so it was cut off."
            os.write(2, f"\n{message} {self.undone()}\n".encode())
        os._exit(self.exit_code)


@contextmanager
def stoppable(cut_off_seconds: float = CUT_OFF_SECONDS) -> Generator[Stopping]:
    """Have the first signal handled as the yielded object says; a second one ends the process at once.

    So does the time that it has to end after the first.
    """
    stopping = Stopping()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if stopping.on_signal is not None:
            stopping.on_signal()
        elif task is not None:
            task.cancel()

    def handle(number: int, _: FrameType | None) -> None:
        if stopping.signal is not None:
            stopping.cut_off()
        stopping.signal = signal.Signals(number).name
        # Stays armed after the run: what blocks may be a thread that the interpreter waits for when it ends.
        watchdog = Timer(cut_off_seconds, stopping.cut_off)
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(stop)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stopping
    finally:
        if stopping.signal is None:
            for number, handler in before.items():
                signal.signal(number, handler)
