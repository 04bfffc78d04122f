"""The checks that need to see all handlers of an app together, because no type checker can (DESIGN 1).

What is wrong beyond doubt is refused, all of it at once; what may be meant, such as a domain without a sink, is a
*doubt*. Whether somebody takes what a handler emits cannot be told here: answers go to whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arvo.errors import DefinitionError, Issue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

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


def doubts(handlers: Iterable[Servable], *, sinks: Collection[str]) -> Iterator[str]:
    """What an app may be missing."""
    for handler in handlers:
        for version in handler.calls:
            domain = version.contract.domain
            if domain is not None and domain not in sinks:
                yield (
                    f"{handler.source!r} calls {version.dataschema} in domain {domain!r}, which has no sink: such "
                    f"calls will wait in app.waiting({domain!r}) until their answers are published."
                )


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
    seen: dict[str, Servable] = {}
    for handler in handlers:
        other = seen.setdefault(handler.source, handler)
        if other is not handler:
            yield Issue(
                (handler.source,),
                f"Two handlers answer to {handler.source!r}: {_named(other)} and {_named(handler)}. An event has one "
                "handler; keep one of them, or put a Router in front.",
                "duplicate_source",
            )


def _unanswered(handlers: Sequence[Servable], external: Collection[Contract]) -> Iterator[Issue]:
    for caller in handlers:
        for version in caller.calls:
            if not _answered(version, handlers, external):
                yield _cannot_call(caller, version, handlers)


def _answered(version: ContractVersion[Any, Any], handlers: Sequence[Servable], external: Collection[Contract]) -> bool:
    contract = version.contract
    if contract in external or any(version in handler.implements for handler in handlers):
        return True
    at_address = [handler for handler in handlers if handler.source == contract.type]
    if at_address:
        return not any(handler.implements for handler in at_address)
    return contract.domain is not None


def _cannot_call(caller: Servable, version: ContractVersion[Any, Any], handlers: Sequence[Servable]) -> Issue:
    calls = f"{caller.source!r} calls {version.dataschema}, "
    implemented = [
        known.dataschema
        for handler in handlers
        if handler.source == version.accepted_type
        for known in handler.implements
    ]
    if implemented:
        what = (
            f"but the handler of {version.accepted_type!r} in this app implements only {', '.join(implemented)}. "
            "Call one of those, or add a function for the one that is called."
        )
    else:
        what = (
            f"but no handler of this app answers to {version.accepted_type!r}. Add its handler to App(handlers=[...]), "
            "or name its contract in App(external=[...]) if another process answers."
        )
    return Issue((caller.source, version.dataschema), calls + what, "unanswered_call")


def _named(handler: Servable) -> str:
    versions = ", ".join(version.dataschema for version in handler.implements)
    return f"{type(handler).__name__} of {versions}" if versions else type(handler).__name__
