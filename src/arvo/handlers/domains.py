"""Which world an emitted event goes to: symbolic domains, and their resolution for one event.

Pure rules only (SEMANTICS 4, the truth table of the vectors). Who asks which rule is decided in `emission` and by the
handlers; what a broker does with a domain is decided in `arvo.runtime`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum, nonmember
from typing import TYPE_CHECKING, TypeAlias

from arvo.errors import DefinitionError, InvalidSubject
from arvo.events import Subject, is_domain

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DEFAULT_DOMAINS",
    "Domain",
    "DomainRule",
    "DomainRules",
    "checked_rules",
    "resolve_domain",
    "resolve_domains",
    "rules_in",
]


class Domain(StrEnum):
    """Symbolic domains; the values are the wire's. Any other text is a domain's own name, and None is the local one."""

    LOCAL = nonmember(None)
    """The broker of this process: not a symbol, just a name for None."""
    FROM_SELF_CONTRACT = "domain.contract.self.inherit"
    """The domain of the contract of the handler that emits."""
    FROM_EVENT_CONTRACT = "domain.contract.inherit"
    """The domain of the contract that the emitted event belongs to: the service's own, when a workflow calls one."""
    FROM_TRIGGERING_EVENT = "domain.event.inherit"
    """The domain of the event being handled."""
    FROM_CURRENT_SUBJECT = "domain.event.current.subject"
    """The domain in the subject of the event being handled."""
    FROM_PARENT_SUBJECT = "domain.parent.subject"
    """The domain in the subject of the workflow that started this one."""
    ORCHESTRATION_CONTEXT = "domain.orchestration.context"
    """Back to where the workflow lives: the parent's domain when it is another than the current one; without a parent
    the current subject's, when the event came from another domain; otherwise local."""


DomainRule: TypeAlias = str | None
"""A `Domain`, the name of a domain, or None for the local one."""

DomainRules: TypeAlias = DomainRule | Sequence[DomainRule]
"""One rule or several; several give one event for each domain they resolve to, and none at all when empty."""

DEFAULT_DOMAINS: tuple[DomainRule, ...] = (Domain.ORCHESTRATION_CONTEXT,)

_SYMBOLS = frozenset(Domain)


def rules_in(domains: DomainRules) -> tuple[DomainRule, ...]:
    """The rules as a tuple, one rule included."""
    return (domains,) if domains is None or isinstance(domains, str) else tuple(domains)


def checked_rules(domains: DomainRules) -> tuple[DomainRule, ...]:
    """The rules as a tuple. Raises `DefinitionError` for what is neither a symbol nor a possible name of a domain."""
    rules = rules_in(domains)
    for rule in rules:
        if rule is not None and rule not in _SYMBOLS and not is_domain(rule):
            raise DefinitionError(
                f"{rule!r} is not a domain. Use a name of lower-case letters, digits and dots, for example "
                "'human.review', a member of Domain, or None for the local domain."
            )
    return rules


def resolve_domain(
    rule: DomainRule,
    *,
    subject: str,
    trigger: str | None = None,
    own: str | None = None,
    contract: str | None = None,
    parent_subject: str | None = None,
) -> str | None:
    """The domain that `rule` means for one event.

    `subject` and `trigger` are the subject and domain of the event being handled, `own` the domain of the emitting
    handler's contract, `contract` that of the emitted event's contract. A subject that no workflow made has no domain.
    """
    match rule:
        case None | "":
            return None
        case Domain.ORCHESTRATION_CONTEXT:
            return _orchestration_context(subject, trigger, parent_subject)
        case Domain.FROM_SELF_CONTRACT:
            return own
        case Domain.FROM_EVENT_CONTRACT:
            return contract
        case Domain.FROM_TRIGGERING_EVENT:
            return trigger
        case Domain.FROM_CURRENT_SUBJECT:
            return _domain_in(subject)
        case Domain.FROM_PARENT_SUBJECT:
            return None if parent_subject is None else _domain_in(parent_subject)
        case name:
            return name


def resolve_domains(
    rules: Iterable[DomainRule],
    *,
    subject: str,
    trigger: str | None = None,
    own: str | None = None,
    contract: str | None = None,
    parent_subject: str | None = None,
) -> tuple[str | None, ...]:
    """The domains that `rules` mean, each once, in order of first mention: rules that mean the same give one event."""
    return tuple(
        dict.fromkeys(
            resolve_domain(
                rule, subject=subject, trigger=trigger, own=own, contract=contract, parent_subject=parent_subject
            )
            for rule in rules
        )
    )


def _orchestration_context(subject: str, trigger: str | None, parent_subject: str | None) -> str | None:
    if parent_subject is not None:
        parent = _domain_in(parent_subject)
        # None is both "local" and "the domain it is in already" (quirk 36 of the original, kept for the wire's sake).
        return parent if parent is not None and parent != _domain_in(subject) else None
    if trigger is None:
        return None
    current = _domain_in(subject)
    return current if current != trigger else None


def _domain_in(subject: str) -> str | None:
    try:
        return Subject.parse(subject).domain
    except InvalidSubject:
        return None
