"""Handlers: functions that answer events under a contract, and what makes events of what they return (SEMANTICS 4).

Start in `handler.py`. Workflows, which keep state between events, are in `arvo.orchestration` and share `emission.py`.
"""

from arvo.handlers.domains import DEFAULT_DOMAINS, Domain, DomainRule, DomainRules, resolve_domain, resolve_domains
from arvo.handlers.emission import Emission, Output, outputs_in
from arvo.handlers.emit import Emit
from arvo.handlers.event_handler import EventHandler

__all__ = [
    "DEFAULT_DOMAINS",
    "Domain",
    "DomainRule",
    "DomainRules",
    "Emission",
    "Emit",
    "EventHandler",
    "Output",
    "outputs_in",
    "resolve_domain",
    "resolve_domains",
]
