"""What is found out before seeds are run: whether the same seed is the same run, and what code leaves simulated time.

One run is watched by the interpreter's profiler, which sees each call of a C function by name, whatever way it was
imported.
"""

from __future__ import annotations

import random
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arvo.testing.simulation.chance import Chance
from arvo.testing.simulation.trial import try_out

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from arvo.testing.simulation.system import Scenario, System

__all__ = ["Beginning"]

_STANDARD_LIBRARY: Final = sysconfig.get_path("stdlib")
_ARVO: Final = str(Path(__file__).parents[2])
_REAL: Final = {
    ("time", "time"): "the real time",
    ("time", "time_ns"): "the real time",
    ("time", "monotonic"): "the real time",
    ("time", "perf_counter"): "the real time",
    ("time", "sleep"): "a real sleep",
    ("posix", "urandom"): "real randomness",
    ("nt", "urandom"): "real randomness",
    ("io", "open"): "a file",
    ("_io", "open"): "a file",
    ("_socket", "getaddrinfo"): "the network",
    ("_thread", "start_new_thread"): "a thread",
    ("_thread", "start_joinable_thread"): "a thread",
}
_CLOCK_METHODS: Final = {"datetime.now", "datetime.utcnow", "date.today", "datetime.today"}


class _Origin:
    """Ids and times for the events of a workload."""

    def __init__(self) -> None:
        self._chance = Chance("workload")

    def id_bytes(self) -> bytes:
        """16 bytes."""
        return self._chance.id_bytes()

    def now_ns(self) -> int:
        """When every simulation begins."""
        return 1_893_456_000 * 10**9


class Beginning:
    """The first look at a system."""

    def __init__(self, system: System) -> None:
        self._system = system

    @staticmethod
    def origin() -> _Origin:
        """What gives ids and times to the events of a workload, always the same ones."""
        return _Origin()

    def of(self, seed: int) -> Iterator[str]:
        """What is to be known before this seed and those after it are run: a sentence for each thing."""
        scenario = self._system.scenario(seed)
        places = self._watched(scenario)
        for place, what in sorted(places.items()):
            yield f"{place} uses {what}, which is not simulated."
        one, other = (try_out(self._system, scenario).log.lines() for _ in range(2))
        if one != other:
            at = next((number for number, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), -1)
            yield (
                f"Seed {seed} is not the same run each time, because something in the app is not: see above, or what "
                f"it keeps in memory (then name a function that makes the app). First difference: {one[at].strip()!r}, "
                f"and then {other[at].strip()!r}."
            )

    def _watched(self, scenario: Scenario) -> dict[str, str]:
        places: dict[str, str] = {}

        def watch(frame: FrameType, kind: str, called: Any) -> None:
            if kind != "c_call":
                return
            what = _what_is_real(called)
            if what is not None and (place := _place_in_user_code(frame)) is not None:
                places[place] = what

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            try_out(self._system, scenario)
        finally:
            sys.setprofile(before)
        return places


def _what_is_real(called: Any) -> str | None:
    found = _REAL.get((getattr(called, "__module__", None) or "", called.__name__))
    if found is not None:
        return found
    if getattr(called, "__qualname__", "") in _CLOCK_METHODS:
        return "the real time"
    owner = getattr(called, "__self__", None)
    if isinstance(owner, random.SystemRandom):
        return "real randomness"
    if type(owner).__module__ == "_socket":
        return "the network"
    return None


def _place_in_user_code(frame: FrameType | None) -> str | None:
    """Where the user's own code made the call, unless it was somebody else's."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_ARVO) or "site-packages" in file:
            return None
        if not file.startswith((_STANDARD_LIBRARY, "<")):
            path = Path(file)
            near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            return f"{near}:{frame.f_lineno}"
        frame = frame.f_back
    return None
