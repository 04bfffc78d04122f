"""Events and what they are made of: envelope, JSON form, ids, subjects, addresses, versions (SEMANTICS 1 and 3).

Nothing here knows of contracts or handlers. Start in `event.py`.
"""

from arvo.events.attributes import telemetry_attributes
from arvo.events.bounds import MAX_DEPTH, MAX_EVENT_BYTES
from arvo.events.creation import create_event
from arvo.events.delay import DELIVER_AFTER, LONGEST_DELAY, delayed, split_delay
from arvo.events.envelope import ExtensionValue
from arvo.events.event import Event
from arvo.events.frozen import JsonObject
from arvo.events.ids import ManagedId, derive_event_id, managed_event_id, new_event_id, parse_managed_event_id
from arvo.events.rules import ARVO_CONTENT_TYPE, is_domain, is_event_type
from arvo.events.subject import INHERIT, Inherit, Subject
from arvo.events.templates import AnswerTemplate, EventTemplate, RequestTemplate
from arvo.events.uri import decode_uri, encode_uri, is_encoded_uri
from arvo.events.versions import WILDCARD_VERSION, DataSchema, SemanticVersion

__all__ = [
    "ARVO_CONTENT_TYPE",
    "DELIVER_AFTER",
    "INHERIT",
    "LONGEST_DELAY",
    "MAX_DEPTH",
    "MAX_EVENT_BYTES",
    "WILDCARD_VERSION",
    "AnswerTemplate",
    "DataSchema",
    "Event",
    "EventTemplate",
    "ExtensionValue",
    "Inherit",
    "JsonObject",
    "ManagedId",
    "RequestTemplate",
    "SemanticVersion",
    "Subject",
    "create_event",
    "decode_uri",
    "delayed",
    "derive_event_id",
    "encode_uri",
    "is_domain",
    "is_encoded_uri",
    "is_event_type",
    "managed_event_id",
    "new_event_id",
    "parse_managed_event_id",
    "split_delay",
    "telemetry_attributes",
]
