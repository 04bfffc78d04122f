"""The checks that need to see all handlers of an app together, because no type checker can (DESIGN 1).

What is wrong beyond doubt is refused, all of it at once; what may be meant, such as a domain without a sink, is a
*doubt*. Whether somebody takes what a handler emits cannot be told here: answers go to whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.errors import DefinitionError, Issue
from arvo.orchestration import Orchestrator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from arvo.contracts import Contract, ContractVersion
    from arvo.runtime.subscription import Servable

__all__ = ["check_assembly", "doubts"]


def check_assembly(handlers: Sequence[Servable], *, external: Collection[Contract]) -> None:
    """Refuse handlers that do not fit together, naming all that is wrong; `external` lives in other processes."""
    issues = [*_empty(handlers), *_incomplete(handlers), *_twice(handlers), *_unanswered(handlers, external)]
    if issues:
        raise DefinitionError(
            "The app cannot be assembled. " + " ".join(issue.message for issue in issues), issues=issues
        )


def doubts(handlers: Sequence[Servable], *, sinks: Collection[str]) -> Iterator[str]:
    """What an app may be missing."""
    addresses = {handler.source for handler in handlers}
    for caller in handlers:
        for version in caller.calls:
            if version.accepted_type in addresses:
                continue
            call = f"{caller.source!r} calls {version.dataschema}, "
            domain = version.contract.domain
            if domain is not None and domain not in sinks:
                yield (
                    f"{call}whose domain {domain!r} has no sink: calls emitted into it wait in app.waiting({domain!r}) "
                    "until their answers are published."
                )
            elsewhere = [handler.source for handler in handlers if version in handler.implements]
            if elsewhere:
                yield (
                    f"{call}which is served at {elsewhere[0]!r} and not at {version.accepted_type!r}: only calls "
                    f"wrapped in Emit(..., to={elsewhere[0]!r}) arrive there."
                )
        if isinstance(caller, Orchestrator):
            for machine in caller.machines:
                yield from (f"{machine!r}: {doubt}." for doubt in machine.doubts)


def _empty(handlers: Sequence[Servable]) -> Iterator[Issue]:
    if not handlers:
        yield Issue((), "It has no handlers. Give it at least one: App(handlers=[...]).", "no_handlers")


def _incomplete(handlers: Sequence[Servable]) -> Iterator[Issue]:
    for handler in handlers:
        try:
            handler.check()
        except DefinitionError as error:
            yield Issue((handler.source,), error.message, "incomplete")


def _twice(handlers: Sequence[Servable]) -> Iterator[Issue]:
    first: dict[str, Servable] = {}
    for handler in handlers:
        if handler.source in first:
            yield Issue(
                (handler.source,),
                f"Two handlers answer to {handler.source!r}: {first[handler.source]!r} and {handler!r}. An event has "
                "one handler: keep one of them, or put a Router in front.",
                "duplicate_source",
            )
        first.setdefault(handler.source, handler)


def _unanswered(handlers: Sequence[Servable], external: Collection[Contract]) -> Iterator[Issue]:
    for caller in handlers:
        for version in caller.calls:
            problem = _problem_with_call(version, handlers, external)
            if problem:
                message = f"{caller.source!r} calls {version.dataschema}, {problem}"
                yield Issue((caller.source, version.dataschema), message, "unanswered_call")


def _problem_with_call(
    version: ContractVersion[Any, Any], handlers: Sequence[Servable], external: Collection[Contract]
) -> str | None:
    if version.contract in external or any(version in handler.implements for handler in handlers):
        return None
    there = [handler for handler in handlers if handler.source == version.accepted_type]
    if there:
        implemented = ", ".join(known.dataschema for known in there[0].implements)
        return implemented and (
            f"but {there[0]!r} implements only {implemented}. Call one of those, or add a function for the one called."
        )
    if version.contract.domain is not None:
        return None
    return (
        f"but no handler of this app answers to {version.accepted_type!r}. Add its handler to App(handlers=[...]), or "
        "name its contract in App(external=[...]) if another process answers."
    )
