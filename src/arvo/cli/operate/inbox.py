"""Answering an event that waits for somebody in its domain: which answers its contract allows, and how one is stored.

The commands are in `inbox_commands`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arvo.cli.failure import CommandError, NotDoneError
from arvo.contracts import ServiceError, read_payload
from arvo.errors import ConfigViolation, ContractViolation, InvalidEvent
from arvo.runtime.worker.routes import Routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from arvo.contracts import ContractVersion, Payload
    from arvo.events import Event
    from arvo.ports import Store, StoredWorkflow, WaitingEvent
    from arvo.runtime import App

__all__ = [
    "Answered",
    "NotAnAnswerError",
    "find_waiting",
    "make_answer",
    "make_error",
    "possible_answers",
    "question_of",
    "schema_of",
    "store_answer",
    "version_asked",
]

PAGE = 200


class NotAnAnswerError(NotDoneError):
    """What was given is no answer of the contract; `answers` are those that it has, by type."""

    def __init__(self, message: str, answers: Mapping[str, type[Payload]]) -> None:
        super().__init__(message)
        self.answers = answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What an answer set going."""

    reply: Event[Any]
    address: str
    workflow: StoredWorkflow | None
    """The workflow that asked, if it was one."""
    is_served: bool
    """Whether a worker serves the address now."""


async def find_waiting(store: Store, domain: str | None, after: int = 0) -> AsyncIterator[WaitingEvent]:
    """All that wait, the oldest first, in one domain or all, from behind a number."""
    last: WaitingEvent | None = None
    while page := await store.waiting(domain=domain, after=last, limit=PAGE):
        last = page[-1]
        for waiting in page:
            if waiting.number > after:
                yield waiting


async def question_of(store: Store, event_id: str) -> Event[Any]:
    """The waiting event with this id; `NotDoneError` when none waits."""
    waiting = await store.waiting_event(event_id)
    if waiting is None:
        raise NotDoneError(
            f"No event {event_id!r:.100} waits for an answer (any more). Those that do are listed by: arvo inbox list"
        )
    try:
        return waiting.event()
    except InvalidEvent as error:
        raise NotDoneError(f"What waits under {event_id!r:.100} is no event: {error.message}") from error


def version_asked(app: App, event: Event[Any]) -> ContractVersion[Any, Any]:
    """The version of a contract of `app` that this event asks; `CommandError` when the app knows none."""
    known = {version.dataschema: version for version in _versions(app) if version.accepted_type == event.type}
    if event.dataschema in known:
        return known[event.dataschema]
    if known:
        raise CommandError(
            f"The event was made for {event.dataschema}, and this app knows {event.type!r} as {', '.join(known)}. "
            "Name an app that has that version."
        )
    raise CommandError(
        f"No contract of this app accepts {event.type!r}, so it is not known what answers it. Name the app that sent "
        f"it ({event.source!r}); or take an event that needs no answer off the list with: arvo inbox discard"
    )


def _versions(app: App) -> Iterator[ContractVersion[Any, Any]]:
    for handler in app.handlers:
        yield from handler.calls
        yield from handler.implements
    for contract in app.external:
        yield from contract.versions.values()


def possible_answers(version: ContractVersion[Any, Any]) -> Mapping[str, type[Payload]]:
    """The payload classes that a version answers with, by event type."""
    return {event_type: payload for payload, event_type in version.emit_types.items()}


def schema_of(payload: type[Payload]) -> dict[str, Any]:
    """The JSON schema of what is sent as the data of this class."""
    return payload.model_json_schema(by_alias=True, mode="validation")


def make_answer(
    version: ContractVersion[Any, Any], event: Event[Any], *, event_type: str | None, data: str
) -> Event[Any]:
    """The answer to `event` with this JSON as its data; without a type, the only one that the version has.

    Raises `NotAnAnswerError` when it breaks the contract.
    """
    answers = possible_answers(version)
    if event_type is None and len(answers) == 1:
        (event_type,) = answers
    if event_type is None:
        raise NotAnAnswerError(
            f"{version.dataschema} has {len(answers)} answers. Name one of them with --type.", answers
        )
    if event_type not in answers:
        raise NotAnAnswerError(
            f"{event_type!r:.100} is no answer of {version.dataschema}, which has {', '.join(answers) or 'none'}.",
            answers,
        )
    try:
        json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAnAnswerError(f"The data is not JSON: {error}.", {event_type: answers[event_type]}) from error
    try:
        payload = read_payload(answers[event_type], data, subject_matter=f"The data of {event_type!r}")
    except ContractViolation as error:
        problems = "; ".join(map(str, error.issues)) or error.message
        raise NotAnAnswerError(
            f"The data does not fit {event_type!r}: {problems}.", {event_type: answers[event_type]}
        ) from error
    return version.reply(payload, to=_as_asked(version, event))


def make_error(version: ContractVersion[Any, Any], event: Event[Any], message: str) -> Event[Any]:
    """The system error that tells whoever asked that there will be no answer."""
    error = ServiceError(error_name="InboxError", error_message=message)
    return version.system_error(error, to=_as_asked(version, event))


def _as_asked(version: ContractVersion[Any, Any], event: Event[Any]) -> Event[Any]:
    try:
        return version.parse_accepted(event)
    except ContractViolation as error:
        raise CommandError(
            f"The waiting event does not fit {version.dataschema} of this app, so it cannot be answered by it: "
            f"{'; '.join(map(str, error.issues))}."
        ) from error


async def store_answer(app: App, store: Store, event: Event[Any], reply: Event[Any]) -> Answered:
    """Deliver the answer, and take the event off the list, in one; `NotDoneError` when it waits no longer."""
    try:
        delivery = Routes(app).published(reply)
    except ConfigViolation as error:
        raise CommandError(error.message) from error
    if delivery is None:
        raise CommandError(f"The answer goes to the domain {reply.domain!r}, which has no sink in this app.")
    if not await store.answer(event.id, [delivery]):
        raise NotDoneError(
            f"Somebody else has answered event {event.id!r:.100} meanwhile, or taken it off the list. Nothing was done."
        )
    return Answered(
        reply=reply,
        address=delivery.handler,
        workflow=await store.workflow(delivery.handler, reply.subject),
        is_served=any(delivery.handler in worker.info.handlers for worker in await store.workers()),
    )
