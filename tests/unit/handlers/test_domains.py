from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import DefinitionError
from arvo.events import Subject, is_domain
from arvo.handlers import DEFAULT_DOMAINS, Domain, checked_rules, resolve_domain, resolve_domains

NAMES = st.sampled_from(["a", "b.c", "human.review"])
DOMAINS = st.none() | NAMES
RULES = st.none() | NAMES | st.sampled_from(list(Domain))


def subjects() -> st.SearchStrategy[str]:
    orchestrations = DOMAINS.map(
        lambda domain: Subject.new(
            name="arvo.orc.order", version="1.0.0", initiator="com.web.checkout", domain=domain, execution_id="e"
        ).encode()
    )
    return orchestrations | st.sampled_from(["order/1", "plain", ""])


SCOPES = st.fixed_dictionaries(
    {
        "subject": subjects(),
        "trigger": DOMAINS,
        "own": DOMAINS,
        "contract": DOMAINS,
        "parent_subject": st.none() | subjects(),
    }
)


@given(st.lists(RULES), SCOPES)
def test_several_rules_resolve_like_each_alone_without_repetition(
    rules: list[str | None], scope: dict[str, Any]
) -> None:
    resolved = resolve_domains(rules, **scope)
    assert len(set(resolved)) == len(resolved)
    assert list(resolved) == list(dict.fromkeys(resolve_domain(rule, **scope) for rule in rules))


@given(st.sampled_from(list(Domain)), SCOPES)
def test_symbol_never_resolves_to_a_symbol(symbol: Domain, scope: dict[str, Any]) -> None:
    resolved = resolve_domain(symbol, **scope)
    assert resolved is None or is_domain(resolved)
    assert resolved not in set(Domain)


@given(DOMAINS, SCOPES)
def test_name_of_a_domain_resolves_to_itself(name: str | None, scope: dict[str, Any]) -> None:
    assert resolve_domain(name, **scope) == name


@given(SCOPES)
def test_orchestration_context_never_names_the_domain_the_workflow_is_in(scope: dict[str, Any]) -> None:
    resolved = resolve_domain(Domain.ORCHESTRATION_CONTEXT, **scope)
    current = resolve_domain(Domain.FROM_CURRENT_SUBJECT, **scope)
    if scope["parent_subject"] is not None:
        assert resolved is None or resolved != current
    else:
        assert resolved in (None, current)


def test_wire_value_of_a_symbol_is_the_symbol() -> None:
    assert resolve_domain("domain.contract.self.inherit", subject="s", own="human") == "human"


def test_local_is_no_symbol() -> None:
    assert Domain.LOCAL is None
    assert "LOCAL" not in Domain.__members__


def test_one_rule_or_several_make_a_tuple() -> None:
    assert checked_rules("audit") == ("audit",)
    assert checked_rules(None) == (None,)
    assert checked_rules([None, "audit"]) == (None, "audit")
    assert checked_rules(Domain.ORCHESTRATION_CONTEXT) == DEFAULT_DOMAINS
    assert checked_rules([]) == ()


@pytest.mark.parametrize("domain", ["", "UPPER", "a b", "a..b", "domain_x"])
def test_impossible_name_is_refused(domain: str) -> None:
    with pytest.raises(DefinitionError, match="is not a domain"):
        checked_rules(domain)
