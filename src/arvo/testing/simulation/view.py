"""The simulated system as the app's own invariants see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from arvo.testing.simulation.connection import at_once
from arvo.testing.simulation.violations import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from arvo.contracts import Payload
    from arvo.events import Event
    from arvo.ports import StoredWorkflow
    from arvo.runtime import App
    from arvo.testing.simulation.run import Run

__all__ = ["View", "check_invariants"]

P = TypeVar("P", bound="Payload")

_ALL = 1_000_000


class View:
    """A `SystemView` of a run, as it is at this moment."""

    def __init__(self, run: Run, *, at_rest: bool) -> None:
        self.at_rest = at_rest
        self._run = run

    @property
    def now(self) -> datetime:
        """The time on the store's clock."""
        return self._run.strikes.store_time()

    @property
    def events(self) -> Sequence[Event[Any]]:
        """Every event that was stored so far."""
        return tuple(self._run.ledger.events)

    @property
    def workflows(self) -> Sequence[StoredWorkflow]:
        """The workflows as they are stored."""
        return at_once(self._run.store.workflows(limit=_ALL))

    def payloads(self, kind: type[P]) -> Sequence[P]:
        """The data of this class in what handlers emitted."""
        return [event.data for event in self._run.ledger.events if isinstance(event.data, kind)]


def check_invariants(app: App, run: Run, *, at_rest: bool = False) -> None:
    """Ask the app whether all is well."""
    for invariant in app.invariants:
        try:
            well = invariant(View(run, at_rest=at_rest)) is not False
            reason = "it returned False"
        except Exception as error:  # noqa: BLE001 - whatever an invariant raises says that it does not hold
            well, reason = False, f"{type(error).__name__}: {error}".partition("\n")[0]
        if not well:
            name = getattr(invariant, "__name__", repr(invariant))
            run.ledger.violate(Rule.INVARIANT, f"{name}: {reason}")
