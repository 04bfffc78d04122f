"""One state of a machine in the making: writes what its author says into a blueprint of `arvo.statecharts`.

Untyped on purpose; the typed surface is in `states.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from arvo.errors import DefinitionError
from arvo.statecharts import AllOf, DelayBlueprint, StateBlueprint, TransitionBlueprint, escape_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from arvo.contracts import ContractVersion, Payload
    from arvo.orchestration.machine_draft import MachineDraft
    from arvo.orchestration.state_functions import Signal

__all__ = ["DraftedState"]

_NAME = re.compile(r"[^\W\d][\w .-]*")


class DraftedState:
    """A state, those in it, and what is attached to it so far."""

    __slots__ = ("blueprint", "children", "draft", "others", "parent", "path")

    def __init__(self, draft: MachineDraft, blueprint: StateBlueprint, parent: DraftedState | None) -> None:
        self.draft = draft
        self.blueprint = blueprint
        self.parent = parent
        self.children: list[DraftedState] = []
        self.others: list[tuple[tuple[str, ...], TransitionBlueprint]] = []
        """Transitions on any reply: they stand behind those on certain ones, whichever was written first."""
        self.path: tuple[str, ...] = () if parent is None else (*parent.path, blueprint.key)
        blueprint.path = self.path

    def child(self, blueprint: StateBlueprint) -> DraftedState:
        """A new state in this one."""
        self.draft.change()
        own, name = self.blueprint, blueprint.key
        if not _NAME.fullmatch(name):
            raise DefinitionError(
                f"{self} cannot have a state named {name!r}. Start with a letter; go on with letters, digits, spaces, "
                "'_', '-' and '.'."
            )
        if any(child.key == name for child in own.children):
            raise DefinitionError(f"{self} has a state {name!r} already. Give each of its states a name of its own.")
        if own.kind == "final":
            raise DefinitionError(f"{self} is final, so there can be no states in it. Make it an ordinary state.")
        own.children.append(blueprint)
        if blueprint.kind != "history":
            if own.kind == "atomic":
                own.kind = "compound"
            if own.kind == "compound" and own.initial is None:
                own.initial = name
        drafted = DraftedState(self.draft, blueprint, self)
        self.children.append(drafted)
        return drafted

    def start_at(self, child: DraftedState) -> None:
        """Start in this state of its own."""
        self.draft.change()
        if child.parent is not self or child.blueprint.kind == "history":
            raise DefinitionError(f"{self} cannot start at {child}. Name a state that lies directly in it.")
        if self.blueprint.kind == "parallel":
            raise DefinitionError(f"{self} is parallel: its states all start together. Leave out where it starts.")
        self.blueprint.initial = child.blueprint.key

    def end_with(self, output: Callable[[Any, Any], Any]) -> None:
        """Be a final state with this output, at which the machine ends."""
        self.draft.change()
        if self.parent is None or self.parent.parent is not None or self.blueprint.kind not in ("atomic", "final"):
            raise DefinitionError(
                f"The {self.draft.title} cannot end at {self}: that has to be a state of the machine itself, without "
                "states in it. End there what lies deeper, by .on_done(to=...)."
            )
        if self.blueprint.output is not None:
            raise DefinitionError(f"{self} has an output already. Make one final state for each way to end.")
        self.blueprint.kind = "final"
        self.blueprint.output = output

    def on_reply(
        self, payload: type[Payload] | None, of: ContractVersion[Any, Any] | None, transition: TransitionBlueprint
    ) -> None:
        """Take replies of this class, or any that nothing else in this state takes, by the transition."""
        types, is_meant = self.draft.replies(payload, of)
        if is_meant is not None:
            transition.guard = is_meant if transition.guard is None else AllOf((is_meant, transition.guard))
        if payload is None:
            self.others.append((types, transition))
        else:
            _append(self.blueprint, types, transition)

    def on_signal(self, signal: Signal, transition: TransitionBlueprint) -> None:
        """Take the signal by the transition."""
        if self.draft.signals.get(signal.name) is not signal:
            raise DefinitionError(f"{self} cannot take {signal!r}, which is of another machine.")
        _append(self.blueprint, (signal.name,), transition)

    def on_time(self, delay: object, transition: TransitionBlueprint) -> None:
        """Take the transition once the state has been active for so long."""
        key, duration = self.draft.delay(delay, self.within("after"))
        for known in self.blueprint.after:
            if known.key == key:
                known.transitions.append(transition)
                return
        self.blueprint.after.append(DelayBlueprint(key, duration, [transition]))

    def transition(
        self,
        event: str,
        to: DraftedState | Sequence[DraftedState] | None,
        when: Any,
        *,
        reenter: bool,
        takes_reply: bool = False,
    ) -> TransitionBlueprint:
        """A transition from this state that no event leads to yet."""
        self.draft.change()
        targets: Iterable[DraftedState] = () if to is None else (to,) if isinstance(to, DraftedState) else to
        place = self.within(event)
        return TransitionBlueprint(
            targets=tuple(self.reference(target) for target in targets),
            guard=None if when is None else self.draft.guard(when, place, takes_reply=takes_reply),
            reenter=reenter,
            path=(*self.path, event),
        )

    def reference(self, target: DraftedState) -> str:
        """How the chart's text names a state."""
        if target.draft is not self.draft:
            raise DefinitionError(f"{self} cannot lead to {target}, which is of another machine.")
        return ".".join([f"#{escape_key(self.draft.name)}", *map(escape_key, target.path)])

    def within(self, event: str) -> str:
        """The name of what has none of its own: where it stands."""
        return ".".join([*self.path, event])

    def settle(self) -> None:
        """Put everything in its final order."""
        on = self.blueprint.on
        for types, transition in self.others:
            left = tuple(each for each in types if all(candidate.guard for candidate in on.get(each, ())))
            _append(self.blueprint, left, transition)
        self.others.clear()
        for child in self.children:
            child.settle()

    def walk(self) -> Iterator[DraftedState]:
        """This state and all in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def __str__(self) -> str:
        return f"state {'.'.join(self.path)!r} of the {self.draft.title}" if self.path else f"the {self.draft.title}"


def _append(blueprint: StateBlueprint, types: tuple[str, ...], transition: TransitionBlueprint) -> None:
    for event_type in types:
        blueprint.on.setdefault(event_type, []).append(transition)
