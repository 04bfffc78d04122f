"""`DocumentChart`: the chart of a machine that is an XState document, with Python functions for the names in it.

Reading the document is the statecharts' business; here is what workflows add: calls, and `enqueueArvoEvent`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from arvo.errors import DefinitionError, Issue
from arvo.statecharts import EmitEvent, from_xstate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from arvo.statecharts import (
        AssignFunction,
        ContextFunction,
        Definition,
        DelayFunction,
        Effect,
        GuardFunction,
        OutputFunction,
    )

__all__ = ["DocumentChart"]

ENQUEUE: Final = "enqueueArvoEvent"
"""The one action that documents may use without anybody passing it: it emits its own parameters."""


class DocumentChart:
    """A chart read from an XState document. Its context is JSON as it stands. See `Machine.from_xstate`."""

    __slots__ = ("definition", "document")

    def __init__(
        self,
        document: Mapping[str, Any] | str | bytes,
        *,
        context: ContextFunction | None,
        guards: Mapping[str, GuardFunction],
        calls: Mapping[str, Callable[[dict[str, Any], Any, Any], Any]],
        actions: Mapping[str, Effect | AssignFunction],
        delays: Mapping[str, timedelta | DelayFunction],
        outputs: Mapping[str, OutputFunction],
        output: OutputFunction | None,
    ) -> None:
        _check_names(calls, actions)
        emitting = {name: EmitEvent(function) for name, function in calls.items()}
        enqueueing = EmitEvent(lambda _context, _event, params: params)
        self.definition: Definition = from_xstate(
            document,
            guards=guards,
            actions={**actions, **emitting, ENQUEUE: enqueueing},
            delays=delays,
            context=context,
            outputs=outputs,
        )
        if output is not None:
            self.definition.root.output = output
        self.document: str = _without_spaces(document)

    def load_context(self, kept: dict[str, Any]) -> dict[str, Any]:
        """The context as it is."""
        return kept

    def dump_context(self, context: dict[str, Any]) -> dict[str, Any]:
        """The context as it is."""
        return context


def _check_names(calls: Mapping[str, Any], actions: Mapping[str, Any]) -> None:
    issues = [
        Issue(("calls", name), "this name is among the actions, too", "ambiguous") for name in calls if name in actions
    ]
    for kind, given in (("calls", calls), ("actions", actions)):
        if ENQUEUE in given:
            issues.append(
                Issue((kind, ENQUEUE), "this name is built in: the action calls with its own parameters", "reserved")
            )
    if issues:
        raise DefinitionError(
            f"A document's actions cannot be told apart: {'; '.join(map(str, issues))}. Give yours another name.",
            issues=issues,
        )


def _without_spaces(document: Mapping[str, Any] | str | bytes) -> str:
    parsed = json.loads(document) if isinstance(document, str | bytes) else document
    return json.dumps(parsed, separators=(",", ":"), ensure_ascii=False)
