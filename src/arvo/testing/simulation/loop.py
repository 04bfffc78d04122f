"""An event loop whose time is simulated: it jumps to the next timer as soon as nobody has anything left to do.

Every callback belongs to a `Process` of the simulated system, which can be killed or held up as a whole, as an
operating system does it: a killed one executes nothing any more, not even what it would do to clean up. There are no
sockets, threads or signals; asking for one is a `RealWorldError`.
"""

from __future__ import annotations

import asyncio
from asyncio.events import _set_running_loop  # pyright: ignore[reportPrivateUsage] - made for event loops
from collections import deque
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NoReturn

from arvo.errors import ArvoError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PROCESS", "Process", "RealWorldError", "SimulatedLoop", "StuckError"]

_MOST_STEPS_IN_AN_INSTANT = 200_000
_NEVER = float("inf")


class RealWorldError(ArvoError):
    """Simulated code asked for something that cannot be simulated."""


class StuckError(ArvoError):
    """Simulated time cannot go on."""


class Process:
    """One process of the simulated system."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.held_until = 0.0
        self.held: list[_Step] = []

    def was_well_since(self, moment: float) -> bool:
        """Whether nothing has gone wrong in it since then."""
        return not self.dead and self.held_until < moment


PROCESS: ContextVar[Process | None] = ContextVar("arvo_simulated_process", default=None)
"""The process that the present code is part of; None is the world around them."""


class _Step(asyncio.TimerHandle):
    """A callback that is to be called."""

    __slots__ = ("arguments", "call", "due", "off", "within")

    def __init__(self, due: float, call: Callable[..., object], arguments: tuple[Any, ...], within: Context) -> None:
        self.due = due
        self.call = call
        self.arguments = arguments
        self.within = within
        self.off = False

    def __repr__(self) -> str:
        return f"<_Step {self.call!r}>"

    def cancel(self) -> None:
        """Have it not called."""
        self.off = True

    def cancelled(self) -> bool:
        """Whether it is not to be called."""
        return self.off

    def when(self) -> float:
        """Its time."""
        return self.due


class SimulatedLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in the order that asyncio promises, and timers in the order of their times, at once."""

    def __init__(self) -> None:
        self.failures: list[BaseException] = []
        """What callbacks raised."""
        self.asked_for_the_real_world: list[str] = []
        """The methods that were called and do not exist here."""
        self._now = 0.0
        self._ready: deque[_Step] = deque()
        self._timers: list[tuple[float, int, _Step]] = []
        self._number = 0
        self._running = False
        self._closed = False

    # Time.

    def time(self) -> float:
        """Simulated seconds since the beginning."""
        return self._now

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Call it after what is to be called already."""
        step = _Step(self._now, callback, args, copy_context() if context is None else context)
        self._ready.append(step)
        return step

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call it after a delay."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call it at a time."""
        step = _Step(when, callback, args, copy_context() if context is None else context)
        self._number += 1
        heappush(self._timers, (when, self._number, step))
        return step

    # Running.

    def run_until(self, done: Callable[[], bool], *, latest: float = _NEVER) -> bool:
        """Run until `done`, and say whether it is; not beyond the time `latest`."""
        _set_running_loop(self)
        self._running = True
        try:
            return self._run_until(done, latest)
        finally:
            self._running = False
            _set_running_loop(None)

    def _run_until(self, done: Callable[[], bool], latest: float) -> bool:
        ready = self._ready
        while not done():
            if not ready and not self._let_time_pass(latest):
                return False
            steps = 0
            while ready:
                steps += 1
                if steps > _MOST_STEPS_IN_AN_INSTANT:
                    raise StuckError(
                        f"{_MOST_STEPS_IN_AN_INSTANT} callbacks in a row needed no time, so time stands still: "
                        f"something waits in a loop without waiting for anything. The latest: {ready[0]!r:.200}"
                    )
                step = ready.popleft()
                if not step.off:
                    self._run_step(step)
        return True

    def _let_time_pass(self, latest: float) -> bool:
        """Make the next timer ready."""
        timers = self._timers
        while timers and timers[0][2].off:
            heappop(timers)
        if not timers or timers[0][0] > latest:
            self._now = max(self._now, latest if latest < _NEVER else self._now)
            return False
        when, _, step = heappop(timers)
        self._now = max(self._now, when)
        self._ready.append(step)
        return True

    def _run_step(self, step: _Step) -> None:
        process = step.within.get(PROCESS)
        if process is not None and (process.dead or process.held_until > self._now):
            process.held.append(step)
            return
        try:
            step.within.run(step.call, *step.arguments)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - as every event loop does
            self.call_exception_handler({"exception": error})

    def hold(self, process: Process, seconds: float) -> None:
        """Let a process do nothing for so long: it does not see time pass."""
        process.held_until = self._now + seconds
        self.call_at(process.held_until, self._let_go, process, context=Context())

    def revive(self, process: Process) -> None:
        """Let a process go on that is dead or held up, as if nothing had been."""
        process.dead, process.held_until = False, 0.0
        self._let_go(process)

    def _let_go(self, process: Process) -> None:
        if process.held_until <= self._now and not process.dead:
            self._ready.extend(process.held)
            process.held.clear()

    # What asyncio builds on.

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None, **options: Any
    ) -> asyncio.Task[Any]:
        """A task of this loop."""
        return asyncio.Task(coro, loop=self, name=name, context=context, **options)

    def is_running(self) -> bool:
        """Whether it runs."""
        return self._running

    def is_closed(self) -> bool:
        """Whether it is closed."""
        return self._closed

    def close(self) -> None:
        """Forget what is left."""
        self._closed = True
        self._ready.clear()
        self._timers.clear()

    def get_debug(self) -> bool:
        """Never."""
        return False

    def set_debug(self, enabled: bool) -> None:
        """Nothing is to be set."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what a callback raised."""
        error = context.get("exception")
        if isinstance(error, BaseException):
            self.failures.append(error)

    async def shutdown_asyncgens(self) -> None:
        """Nothing is kept of generators."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's
        """There is none."""

    def refuse(self, name: str) -> NoReturn:
        """Raise what tells that the real world is not to be had."""
        self.asked_for_the_real_world.append(f"loop.{name}")
        raise RealWorldError(
            f"loop.{name} needs the real world (threads, sockets, processes, signals), which a simulation does not "
            "have. Put what talks to the outside behind something that a test can replace, and simulate without it."
        )


def _refused(name: str) -> Callable[..., NoReturn]:
    def method(self: SimulatedLoop, *_: object, **__: object) -> NoReturn:
        self.refuse(name)

    return method


for _name in (
    "add_reader",
    "add_signal_handler",
    "add_writer",
    "call_soon_threadsafe",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "getaddrinfo",
    "getnameinfo",
    "run_forever",
    "run_in_executor",
    "run_until_complete",
    "sendfile",
    "set_default_executor",
    "sock_accept",
    "sock_connect",
    "sock_recv",
    "sock_recv_into",
    "sock_recvfrom",
    "sock_sendall",
    "sock_sendfile",
    "sock_sendto",
    "start_tls",
    "subprocess_exec",
    "subprocess_shell",
):
    setattr(SimulatedLoop, _name, _refused(_name))
