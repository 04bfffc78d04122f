"""Handlers: functions that answer events under a contract, and what makes events of what they return (SEMANTICS 4).

Start in `handler.py`. Workflows, which keep state between events, are in `arvo.orchestration` and share `emission.py`.
"""

from arvo.handlers.context import EventDomains, HandlerContext
from arvo.handlers.domains import (
    DEFAULT_DOMAINS,
    Domain,
    DomainRule,
    DomainRules,
    checked_rules,
    resolve_domain,
    resolve_domains,
)
from arvo.handlers.emission import Emission, Output, outputs_in, payload_of
from arvo.handlers.emit import Emit
from arvo.handlers.event_handler import EventHandler
from arvo.handlers.failures import PassingFailure, may_pass, passing_exceptions, unanswerable
from arvo.handlers.functions import check_function
from arvo.handlers.handler import Handler, HandlerFunction
from arvo.handlers.multi import MultiFunction, MultiHandler, MultiOutput
from arvo.handlers.router import Router

__all__ = [
    "DEFAULT_DOMAINS",
    "Domain",
    "DomainRule",
    "DomainRules",
    "Emission",
    "Emit",
    "EventDomains",
    "EventHandler",
    "Handler",
    "HandlerContext",
    "HandlerFunction",
    "MultiFunction",
    "MultiHandler",
    "MultiOutput",
    "Output",
    "PassingFailure",
    "Router",
    "check_function",
    "checked_rules",
    "may_pass",
    "outputs_in",
    "passing_exceptions",
    "payload_of",
    "resolve_domain",
    "resolve_domains",
    "unanswerable",
]
