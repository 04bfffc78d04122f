"""Completes and checks an event while it is being made: the one check that constructions and decodings share.

The fast way remembers the answers for what repeats from event to event (addresses, types, schemas, subjects). Whatever
it does not call sound is looked at attribute by attribute, which alone decides and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET, Raw, UnsetType
from pydantic import BaseModel

from arvo.errors import InvalidEvent, Issue
from arvo.events import rules
from arvo.events.bounds import MAX_EXTENSIONS
from arvo.events.data import ReadData, write_data
from arvo.events.envelope import Envelope, force, held_data, held_extensions, hold_data, hold_extensions
from arvo.events.ids import new_event_id
from arvo.events.rules import ARVO_CONTENT_TYPE
from arvo.events.timestamps import current_time

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["complete_and_check"]

# Longer values are checked anew each time, so that a stranger cannot fill the memory with them.
_KEPT_CHARACTERS: Final = 512
_KEPT_SUBJECT_CHARACTERS: Final = 4096

_EXACT_IN_JAVASCRIPT: Final = 2**53
_OPENING_BRACE: Final = ord("{")
_HELD_AS_JSON: Final = (Raw, ReadData, UnsetType)
# An attribute that was not given, as the type checkers may compare it with anything.
_ABSENT: Final[object] = UNSET


class _NotKeptError(ValueError):
    """Raised inside a cache, to leave the cache as it is."""


def complete_and_check(event: Envelope[Any]) -> None:
    """Fills in what was not given and raises InvalidEvent unless the event is sound."""
    held = held_data(event)
    if type(held) in _HELD_AS_JSON:
        stamped = _complete_from_wire(event)
        is_object = type(held) is ReadData or (held is not UNSET and memoryview(held)[0] == _OPENING_BRACE)
    else:
        stamped = _complete(event)
        is_object = isinstance(held, BaseModel) or _hold_mapping(event, held)
    extensions = held_extensions(event)
    if extensions is not UNSET and isinstance(extensions, Mapping):
        own = dict(cast("Mapping[object, object]", extensions))
        hold_extensions(event, MappingProxyType(own) if own else UNSET)
    if not (is_object and _is_ordinary(event, stamped=stamped)):
        issues = tuple(_issues(event, is_object=is_object))
        if issues:
            raise _invalid(event, issues)


def _hold_mapping(event: Envelope[Any], data: object) -> bool:
    """Whether the data is a mapping, of which the event then holds a copy."""
    if not isinstance(data, Mapping):
        return False
    hold_data(event, write_data(cast("object", data)))
    return True


def _complete(event: Envelope[Any]) -> bool:
    """Fills in what the constructor was not given; says whether that was the time."""
    if event.id is _ABSENT:
        force(event, "id", new_event_id())
    if event.specversion is _ABSENT:
        force(event, "specversion", "1.0")
    if event.datacontenttype is _ABSENT:
        force(event, "datacontenttype", ARVO_CONTENT_TYPE)
    if event.to is _ABSENT:
        force(event, "to", event.type)
    if event.time is not _ABSENT:
        return False
    force(event, "time", current_time())
    return True


def _complete_from_wire(event: Envelope[Any]) -> bool:
    """Nothing is made up for a document that claims to be Arvo's own; others may leave out what is Arvo's."""
    if event.datacontenttype == ARVO_CONTENT_TYPE:
        return False
    if event.datacontenttype is _ABSENT:
        force(event, "datacontenttype", ARVO_CONTENT_TYPE)
    if event.to is _ABSENT:
        force(event, "to", event.type)
    if event.time is not _ABSENT:
        return False
    force(event, "time", current_time())
    return True


def _is_ordinary(event: Envelope[Any], *, stamped: bool) -> bool:
    """Whether the event is sound for all that can be told fast; False says nothing."""
    try:
        return (
            _route_is_sound(
                event.source,
                event.type,
                event.specversion,
                event.datacontenttype,
                event.dataschema,
                event.to,
                event.accesscontrol,
                event.redirectto,
                event.domain,
            )
            and _subject_is_sound(event.subject)
            and _is_plain_text(event.id)
            and (stamped or rules.is_time(event.time))
            and (event.parentid is None or _is_plain_text(event.parentid))
            and (event.traceparent is None or _is_plain_text(event.traceparent))
            and (event.tracestate is None or _is_plain_text(event.tracestate))
            and (event.executionunits is None or _is_plain_integer(event.executionunits))
            and (held_extensions(event) is UNSET or next(_extension_issues(held_extensions(event)), None) is None)
        )
    except (TypeError, _NotKeptError):
        # A value that cannot be a key of the cache, or that the cache does not want.
        return False


def _is_plain_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and value.isascii()


def _is_plain_integer(value: object) -> bool:
    return type(value) is int and -_EXACT_IN_JAVASCRIPT < value < _EXACT_IN_JAVASCRIPT


_ROUTE_RULES: Final[tuple[tuple[str, Callable[[object], str | None], bool], ...]] = (
    ("source", rules.problem_with_uri, False),
    ("type", rules.problem_with_type, False),
    ("specversion", rules.problem_with_specversion, False),
    ("datacontenttype", rules.problem_with_content_type, False),
    ("dataschema", rules.problem_with_uri, True),
    ("to", rules.problem_with_uri, True),
    ("accesscontrol", rules.problem_with_text, True),
    ("redirectto", rules.problem_with_uri, True),
    ("domain", rules.problem_with_domain, True),
)
_OTHER_RULES: Final[tuple[tuple[str, Callable[[object], str | None], bool], ...]] = (
    ("id", rules.problem_with_text, False),
    ("subject", rules.problem_with_uri, False),
    ("time", rules.problem_with_time, False),
    ("executionunits", rules.problem_with_number, True),
    ("traceparent", rules.problem_with_text, True),
    ("tracestate", rules.problem_with_text, True),
    ("parentid", rules.problem_with_text, True),
)


@lru_cache(maxsize=4096)
def _route_is_sound(*values: object) -> bool:
    """Whether the attributes that repeat from event to event are sound, in the order of _ROUTE_RULES."""
    if any(isinstance(value, str) and len(value) > _KEPT_CHARACTERS for value in values):
        raise _NotKeptError
    for (_, problem_with, may_be_null), value in zip(_ROUTE_RULES, values, strict=True):
        if not (may_be_null and value is None) and problem_with(value) is not None:
            return False
    return values[5] is not None


@lru_cache(maxsize=1024)
def _subject_is_sound(subject: object) -> bool:
    if isinstance(subject, str) and len(subject) > _KEPT_SUBJECT_CHARACTERS:
        raise _NotKeptError
    return rules.problem_with_uri(subject) is None


def _issues(event: Envelope[Any], *, is_object: bool) -> Iterator[Issue]:
    for name, problem_with, may_be_null in (*_OTHER_RULES[:1], *_ROUTE_RULES, *_OTHER_RULES[1:]):
        value = getattr(event, name)
        if value is UNSET:
            yield Issue((name,), "is missing", "missing")
        elif value is not None or not may_be_null:
            problem = problem_with(value)
            if problem is not None:
                yield Issue((name,), problem, "invalid")
    if event.to is None and event.datacontenttype == ARVO_CONTENT_TYPE:
        yield Issue(("to",), f"must be set when datacontenttype is '{ARVO_CONTENT_TYPE}'", "missing")
    if not is_object:
        yield _data_issue(held_data(event))
    yield from _extension_issues(held_extensions(event))


def _data_issue(held: object) -> Issue:
    if held is UNSET:
        return Issue(("data",), "is missing", "missing")
    kind = bytes(held)[:20].decode("utf-8", "replace") if isinstance(held, Raw) else f"a {type(held).__name__}"
    return Issue(("data",), f"must be a JSON object or a pydantic model, not {kind}", "type")


def _extension_issues(extensions: object) -> Iterator[Issue]:
    if extensions is UNSET:
        return
    if not isinstance(extensions, Mapping):
        yield Issue(("extensions",), f"must be a mapping, not a {type(extensions).__name__}", "type")
        return
    given = cast("Mapping[object, object]", extensions)
    if len(given) > MAX_EXTENSIONS:
        yield Issue(("extensions",), f"must not be more than {MAX_EXTENSIONS}", "too_many")
        return
    for name, value in given.items():
        path = ("extensions", str(name))
        if not isinstance(name, str) or not rules.is_extension_name(name):
            yield Issue(path, f"{str(name)[:80]!a} must be lower-case letters and digits only", "name")
        elif name in Envelope.__struct_fields__ and name != "extensions":
            yield Issue(path, "is an attribute of every event and cannot be an extension", "name")
        problem = rules.problem_with_extension(value)
        if problem is not None:
            yield Issue(path, problem, "invalid")


def _invalid(event: Envelope[Any], issues: tuple[Issue, ...]) -> InvalidEvent:
    listed = "; ".join(map(str, issues[:5]))
    more = f"; and {len(issues) - 5} more" if len(issues) > 5 else ""
    return InvalidEvent(
        f"Event {event.id!s:.80} of type {event.type!s:.80} is not valid: {listed}{more}.", issues=issues
    )
