"""What the states of one machine share while it is written in Python: the replies it knows, its signals, its names.

States are in `states.py`, the machine itself in `machine_builder.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from arvo.contracts import ContractVersion, Payload, ServiceError
from arvo.errors import DefinitionError
from arvo.orchestration.conditions import Guard
from arvo.orchestration.state_functions import (
    FunctionNames,
    Signal,
    StateAction,
    arguments_of,
    check_function,
    delay_function,
    guard_function,
)
from arvo.orchestration.timers import can_wait
from arvo.statecharts import BUILT_IN_GUARDS, Action, NamedGuard

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from arvo.contracts import OrchestratorContract, OrchestratorVersion, Services
    from arvo.events import Event
    from arvo.statecharts import DelayFunction, Effect, GuardFunction
    from arvo.statecharts import Guard as ChartGuard

__all__ = ["MachineDraft"]


@dataclass(frozen=True, slots=True)
class _Reply:
    """One kind of event that a service may send."""

    service: ContractVersion[Any, Any]
    payload: type[Payload]
    event_type: str

    def is_that_of(self, event: Event[Any]) -> bool:
        """Whether an event of the same type is this one, and not a reply of another service."""
        return type(event.data) is self.payload and (event.dataschema or "").startswith(f"{self.service.contract.uri}/")


class MachineDraft:
    """A machine in the making. Once `finished`, nothing can be added."""

    def __init__(
        self, version: OrchestratorVersion[Any, Any], model: type[BaseModel], services: Services[Any, Any]
    ) -> None:
        self.name: str = cast("OrchestratorContract", version.contract).name
        self.title: str = f"machine for {version.dataschema}"
        self.model = model
        self.services = services
        self.signals: dict[str, Signal] = {}
        self.effects: dict[str, Effect] = {}
        self.guards: dict[str, GuardFunction] = {}
        self.finished = False
        self._action_names = FunctionNames()
        self._delay_names = FunctionNames()
        self._guard_names = FunctionNames(reserved=BUILT_IN_GUARDS)
        self._replies = [reply for service in services.versions for reply in _replies_of(service)]

    def change(self) -> None:
        """Raise `DefinitionError` if it is too late for changes."""
        if self.finished:
            raise DefinitionError(
                f"The {self.title} is complete: it was checked, drawn or put into an Orchestrator. "
                "Add states and transitions before that."
            )

    def replies(
        self, payload: type[Payload] | None, of: ContractVersion[Any, Any] | None
    ) -> tuple[tuple[str, ...], ChartGuard | None]:
        """The event types of a payload class (of all, without one), and what tells its events from others of the type.

        Raises `DefinitionError` for what no service of the machine sends.
        """
        if of is not None and of not in self.services.versions:
            raise DefinitionError(
                f"The {self.title} was told to take replies of {of!r:.80}, which is none of its services: "
                f"{', '.join(service.dataschema for service in self.services.versions) or 'it has none'}. "
                "Name one of those, or add it to services(...)."
            )
        senders = [reply for reply in self._replies if of is None or reply.service is of]
        meant = [reply for reply in senders if payload is None or reply.payload is payload]
        if not meant:
            raise DefinitionError(self._never_sent(payload, of, senders))
        types = tuple(dict.fromkeys(reply.event_type for reply in meant))
        if all(reply in meant for reply in self._replies if reply.event_type in types):
            return types, None
        name = " or ".join(dict.fromkeys(f"{reply.payload.__name__} of {reply.service.dataschema}" for reply in meant))
        guard = NamedGuard(name, lambda _context, event, _params: any(reply.is_that_of(event) for reply in meant))
        self.guards[name] = guard.function
        return types, guard

    def action(self, function: Callable[..., Any], place: str, *, takes_reply: bool = False) -> Action:
        """The function as an action of the chart."""
        self.change()
        name = self._action_names.of(function, place)
        what = f"Action {name!r} of the {self.title}"
        check_function(function, what, arguments=("state", "reply") if takes_reply else ("state",))
        self.effects[name] = effect = StateAction(function, takes_reply, self.model, self.signals, what)
        return Action(name, effect)

    def guard(self, condition: Any, place: str, *, takes_reply: bool = False) -> ChartGuard:
        """The condition as a guard of the chart; one on a reply may look at the reply, but need not."""
        if isinstance(condition, Guard):
            return condition.combine(
                tuple(self.guard(part, place, takes_reply=takes_reply) for part in condition.parts)
            )
        name = self._guard_names.of(condition, place)
        needs_reply = takes_reply and callable(condition) and arguments_of(condition) == 2
        arguments = ("state", "reply") if needs_reply else ("state",)
        check_function(condition, f"Condition {name!r} of the {self.title}", arguments=arguments)
        self.guards[name] = function = guard_function(condition, takes_reply=needs_reply)
        return NamedGuard(name, function)

    def delay(self, delay: Any, place: str) -> tuple[str, timedelta | DelayFunction]:
        """What names a delay in the chart, and how long it is."""
        self.change()
        if callable(delay):
            name = self._delay_names.of(delay, place)
            check_function(delay, f"Delay {name!r} of the {self.title}", arguments=("state",))
            return name, delay_function(delay)
        if not can_wait(delay):
            raise DefinitionError(
                f"The {self.title} was told to wait for {delay!r:.80} at {place!r}. Give a timedelta between zero and "
                "a hundred years, or a function (state) that returns one."
            )
        return f"{delay / timedelta(milliseconds=1):.3f}".rstrip("0").rstrip("."), delay

    def signal(self, name: str) -> Signal:
        """A new signal."""
        self.change()
        if not name.isidentifier() or name in self.signals:
            raise DefinitionError(
                f"The {self.title} cannot have the signal {name!r}: a signal has a name of its own, which is an "
                f"identifier (taken: {', '.join(self.signals) or 'none'})."
            )
        return self.signals.setdefault(name, Signal(name))

    def _never_sent(
        self, payload: type[Payload] | None, of: ContractVersion[Any, Any] | None, senders: list[_Reply]
    ) -> str:
        known = ", ".join(dict.fromkeys(reply.payload.__name__ for reply in senders)) or "nothing"
        name = getattr(payload, "__name__", repr(payload))
        return (
            f"The {self.title} was told to take {name}, which {'no service of it' if of is None else of.dataschema} "
            f"sends; it can take {known}. Take one of those, or add the service that sends it to services(...)."
        )


def _replies_of(service: ContractVersion[Any, Any]) -> list[_Reply]:
    declared = [_Reply(service, payload, event_type) for payload, event_type in service.emit_types.items()]
    # A declared emit may have the type of the system error; then the declared one is meant.
    if service.system_error_type in service.emit_types.values():
        return declared
    return [*declared, _Reply(service, ServiceError, service.system_error_type)]
