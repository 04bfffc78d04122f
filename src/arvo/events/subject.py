"""The subject of an orchestration: which workflow, which execution of it, who started it (SEMANTICS 3).

Subjects come from outside, so reading one is bounded and raises InvalidSubject only. Plain events may have any other
subject; nothing here is asked about those.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import msgspec

from arvo.errors import InvalidSubject, Issue
from arvo.events.decoding import UNREADABLE
from arvo.events.frozen import freeze
from arvo.events.ids import new_event_id
from arvo.events.json_text import (
    MalformedJsonError,
    UnwritableJsonError,
    check_depth,
    parse_json,
    write_json,
    write_texts,
)
from arvo.events.packing import NotPackedError, pack_json, read_packed, unpack_json
from arvo.events.rules import is_domain, is_event_type
from arvo.events.versions import SemanticVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from arvo.events.frozen import JsonObject

__all__ = ["INHERIT", "Inherit", "Subject"]

Inherit = Literal["<inherit>"]
INHERIT: Final[Inherit] = "<inherit>"
"""Takes the parent's domain; None means no domain. It is no domain itself, for its angle brackets."""

# Only small subjects are remembered, so that a stranger cannot fill the memory with large ones.
_KEPT_CHARACTERS: Final = 2048
_KEPT_BYTES: Final = 2048

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """One execution of an orchestrator, as spelled out in the `subject` of its events.

    Make one with `new`, `child` or `from_content`, read one with `parse`.

    >>> subject = Subject.new(name="arvo.orc.order", version="1.0.0", initiator="com.web.checkout")
    >>> Subject.parse(subject.encode()) == subject
    True
    """

    name: str
    version: str
    execution_id: str
    initiator: str
    domain: str | None
    meta: Mapping[str, str]
    _json: bytes = field(repr=False, compare=False)

    @classmethod
    def new(
        cls,
        *,
        name: str,
        version: str,
        initiator: str,
        domain: str | None = None,
        meta: Mapping[str, str] | None = None,
        execution_id: str | None = None,
    ) -> Subject:
        """The subject of a new execution of orchestrator `name`; the execution id is random unless given."""
        execution = {
            "id": new_event_id() if execution_id is None else execution_id,
            "initiator": initiator,
            "domain": domain,
        }
        orchestrator = {"name": name, "version": version}
        return _read({"orchestrator": orchestrator, "execution": execution, "meta": dict(meta or {})})

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> Subject:
        """The subject with this content, laid out as it is encoded.

        `{orchestrator: {name, version}, execution: {id, initiator, domain}, meta}`; other keys are kept as they are.
        """
        try:
            raw = write_json(content)
            return _read(parse_json(raw), raw)
        except (UnwritableJsonError, MalformedJsonError) as error:
            raise _invalid("The content of a subject must be JSON", [Issue((), str(error), "not_json")]) from error

    @classmethod
    def parse(cls, text: str) -> Subject:
        """The subject spelled by an event's `subject`. Raises InvalidSubject, whatever `text` holds."""
        if len(text) > _KEPT_CHARACTERS:
            return _parse(text)[0]
        try:
            return _parse_small(text)
        except _NotKeptError as found:
            return found.subject

    @property
    def content(self) -> JsonObject:
        """What is encoded, with the key order and the unknown keys of a subject that was read."""
        return cast("JsonObject", freeze(parse_json(self._json)))

    def encode(self) -> str:
        """The `subject` of an event: base64(zlib(JSON)). `parse` gives it back.

        Raises InvalidSubject when the content is so large that `parse` would refuse it.
        """
        try:
            return pack_json(self._json)
        except NotPackedError as error:
            raise _invalid("The subject cannot be encoded", [Issue((), str(error), "too_large")]) from error

    def child(
        self,
        *,
        name: str,
        version: str,
        domain: str | Inherit | None = INHERIT,
        meta: Mapping[str, str] | None = None,
        execution_id: str | None = None,
    ) -> Subject:
        """The subject of an execution that this one starts: it is the initiator, and its meta is passed on."""
        return Subject.new(
            name=name,
            version=version,
            initiator=self.name,
            domain=self.domain if domain == INHERIT else domain,
            meta={**self.meta, **(meta or {})},
            execution_id=execution_id,
        )

    def __hash__(self) -> int:
        return hash(self.execution_id)


class _Orchestrator(msgspec.Struct):
    name: str
    version: str


class _Execution(msgspec.Struct):
    id: str
    initiator: str
    # Subjects of the 2.x packages have no domain.
    domain: str | None = None


class _Content(msgspec.Struct):
    """The content of a subject with everything in place, which is what nearly all are."""

    orchestrator: _Orchestrator
    execution: _Execution
    meta: dict[str, str]


def _subject_of(content: _Content, raw: bytes) -> Subject | None:
    """The subject, if nothing is wrong with it."""
    orchestrator, execution = content.orchestrator, content.execution
    name, version, initiator = orchestrator.name, orchestrator.version, execution.initiator
    execution_id, domain = execution.id, execution.domain
    if (
        is_event_type(name)
        and is_event_type(initiator)
        and SemanticVersion.is_valid(version)
        and execution_id
        and ";" not in execution_id
        and (domain is None or is_domain(domain))
    ):
        return Subject(name, version, execution_id, initiator, domain, MappingProxyType(content.meta), raw)
    return None


def _read(content: object, raw: bytes | None = None) -> Subject:
    """The subject with this content, in JSON values; `raw` is the same as JSON, if there is more in it than texts."""
    try:
        typed = msgspec.convert(content, _Content)
        read = _subject_of(typed, write_texts(typed) if raw is None else raw)
    except msgspec.ValidationError:
        read = None
    if read is None:
        raise _invalid("This is not the subject of an orchestration", list(_issues(content)))
    return read


class _NotKeptError(Exception):
    """Carries a subject past the cache, which keeps nothing of a call that raises."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.subject = subject


@lru_cache(maxsize=1024)
def _parse_small(text: str) -> Subject:
    subject, size = _parse(text)
    if size > _KEPT_BYTES:
        raise _NotKeptError(subject)
    return subject


def _parse(text: str) -> tuple[Subject, int]:
    try:
        raw = unpack_json(text)
        try:
            subject = _subject_of(_decode(raw), raw)
            check_depth(raw)
        except (*UNREADABLE, MalformedJsonError):
            subject = None
        # What is not right at first sight is read again, value by value, to say what is wrong with it.
        return subject or _read(read_packed(raw), raw), len(raw)
    except NotPackedError as error:
        raise _invalid("This is not the subject of an orchestration", [Issue((), str(error), "not_packed")]) from error


def _issues(content: Any) -> Iterator[Issue]:
    if not isinstance(content, dict):
        yield _mistyped((), content, "an object")
        return
    parts = cast("dict[str, Any]", content)
    orchestrator, execution, meta = (_object(parts.get(name)) for name in ("orchestrator", "execution", "meta"))
    if orchestrator is not None:
        yield from _name_issues(("orchestrator", "name"), orchestrator.get("name"))
        yield from _version_issues(("orchestrator", "version"), orchestrator.get("version"))
    else:
        yield _mistyped(("orchestrator",), parts.get("orchestrator"), "an object")
    if execution is not None:
        yield from _id_issues(("execution", "id"), execution.get("id"))
        yield from _name_issues(("execution", "initiator"), execution.get("initiator"))
        yield from _domain_issues(("execution", "domain"), execution.get("domain"))
    else:
        yield _mistyped(("execution",), parts.get("execution"), "an object")
    if meta is not None:
        for key, value in cast("dict[object, object]", meta).items():
            if not isinstance(key, str):
                yield Issue(("meta",), f"must have strings for keys, but {key!r} is a {type(key).__name__}", "type")
            elif not isinstance(value, str):
                yield _mistyped(("meta", key), value, "a string")
    else:
        yield _mistyped(("meta",), parts.get("meta"), "an object")


def _object(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _name_issues(path: Path, value: object) -> Iterator[Issue]:
    if not isinstance(value, str):
        yield _mistyped(path, value, "a string")
    elif not is_event_type(value):
        yield Issue(path, f"{value[:80]!a} must be three or more dotted segments of a-z and 0-9", "format")


def _version_issues(path: Path, value: object) -> Iterator[Issue]:
    if not isinstance(value, str):
        yield _mistyped(path, value, "a string")
    elif not SemanticVersion.is_valid(value):
        yield Issue(path, f"{value[:80]!a} must be a semantic version, like '1.0.0'", "format")


def _id_issues(path: Path, value: object) -> Iterator[Issue]:
    if not isinstance(value, str):
        yield _mistyped(path, value, "a string")
    elif not value or ";" in value:
        yield Issue(path, f"{value[:80]!a} must not be empty and must not hold a semicolon", "format")


def _domain_issues(path: Path, value: object) -> Iterator[Issue]:
    # Subjects of the 2.x packages have no domain.
    if value is None:
        return
    if not isinstance(value, str):
        yield _mistyped(path, value, "a string or null")
    elif not is_domain(value):
        yield Issue(path, f"{value[:80]!a} must be dotted segments of a-z and 0-9, like 'human.review'", "format")


def _mistyped(path: Path, value: object, wanted: str) -> Issue:
    found = "it is missing or null" if value is None else f"it is a {type(value).__name__}"
    return Issue(path, f"must be {wanted}, but {found}", "type")


def _invalid(what: str, issues: Sequence[Issue]) -> InvalidSubject:
    return InvalidSubject(f"{what}: {'; '.join(map(str, issues[:5]))}.", issues=issues)


_decode = msgspec.json.Decoder(_Content).decode
