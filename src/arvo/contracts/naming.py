"""The names of SEMANTICS 2: what a contract's uri, types and domain may look like, and the names derived from them.

Every check here raises `DefinitionError`, because a name is chosen by the author of a contract, never by a sender.
"""

from __future__ import annotations

import re

from arvo.errors import DefinitionError, Issue
from arvo.events import WILDCARD_VERSION, SemanticVersion, is_domain, is_encoded_uri, is_event_type

__all__ = [
    "ORCHESTRATOR_PREFIX",
    "check_domain",
    "check_event_type",
    "check_unreserved",
    "check_uri",
    "check_version",
    "completion_type",
    "init_type",
    "is_orchestrator_type",
    "system_error_type",
]

ORCHESTRATOR_PREFIX = "arvo.orc"

_ORCHESTRATOR_NAME = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")


def system_error_type(accepted_type: str) -> str:
    """The type of the system error events that a contract with this accepted type owns."""
    return f"sys.{accepted_type}.error"


def init_type(name: str) -> str:
    """The type that starts the orchestrator of this name; refuses names that make no valid type."""
    if not _ORCHESTRATOR_NAME.fullmatch(name):
        raise _refused(
            f"Orchestrator name {name!r} cannot be part of an event type.",
            "Use lower-case letters and digits in dot-separated segments, for example 'order' or 'order.flow'.",
            "name",
        )
    return f"{ORCHESTRATOR_PREFIX}.{name}"


def completion_type(name: str) -> str:
    """The type under which the orchestrator of this name reports its output."""
    return f"{init_type(name)}.done"


def is_orchestrator_type(event_type: str) -> bool:
    """Whether a type lies in the part of the name space that belongs to orchestrators."""
    return event_type == ORCHESTRATOR_PREFIX or event_type.startswith(f"{ORCHESTRATOR_PREFIX}.")


def check_uri(uri: str) -> None:
    """Refuse a contract uri that is empty or not encoded as JavaScript's `encodeURI` would."""
    if not uri:
        raise _refused(
            "A contract's uri is empty.", "Give it a path of its own, for example '#/services/charge'.", "uri"
        )
    if not is_encoded_uri(uri):
        raise _refused(
            f"Contract uri {uri!r} is not an encoded URI.",
            "Percent-encode what is not plain ASCII URI text, for example with arvo.events.encode_uri.",
            "uri",
        )


def check_event_type(event_type: str, path: str = "type") -> None:
    """Refuse a type that is not three or more dot-separated segments of lower-case letters and digits."""
    if not is_event_type(event_type):
        raise _refused(
            f"Event type {event_type!r} is not in reverse-DNS form.",
            "Use three or more dot-separated segments of lower-case letters and digits, for example 'com.card.charge'.",
            path,
        )


def check_unreserved(event_type: str, *, uri: str, path: str) -> None:
    """Refuse an orchestrator's type in a contract that is not an orchestrator's."""
    if is_orchestrator_type(event_type):
        raise _refused(
            f"Contract {uri!r} uses the event type {event_type!r}, but types below 'arvo.orc' belong to orchestrators.",
            "Choose another type, or declare an OrchestratorContract.",
            path,
        )


def check_domain(domain: str | None) -> None:
    """Refuse a domain other than lower-case letters, digits and dots; `None` is the local domain."""
    if domain is not None and not is_domain(domain):
        raise _refused(
            f"Domain {domain!r} is not a domain name.",
            "Use lower-case letters, digits and dots, for example 'human.review', or None for the local domain.",
            "domain",
        )


def check_version(version: str, *, uri: str) -> None:
    """Refuse a version that is not `X.Y.Z`, and the wildcard that system errors are published under."""
    if not SemanticVersion.is_valid(version):
        raise _refused(
            f"Contract {uri!r} has a version {version!r}, which is not a semantic version.",
            "Write it as three numbers, for example '1.0.0'.",
            "versions",
        )
    if version == WILDCARD_VERSION:
        raise _refused(
            f"Contract {uri!r} declares version {WILDCARD_VERSION!r}, which is reserved for system errors.",
            "Start at '0.0.1' or above.",
            "versions",
        )


def _refused(problem: str, fix: str, path: str) -> DefinitionError:
    return DefinitionError(f"{problem} {fix}", issues=[Issue((path,), problem, "invalid_name")])
