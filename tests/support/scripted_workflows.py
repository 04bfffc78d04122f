"""Workflows made from the vectors' scripts, through the public API alone. The notation is in the vectors' README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import RootModel

from arvo.contracts import OrchestratorContract, OrchestratorVersion, services
from arvo.errors import DefinitionError
from arvo.handlers import Emit
from arvo.orchestration import Done, Resumable, Turn, Wait
from tests.support.neutral_contracts import output_payload
from tests.support.scenarios import id_of
from tests.support.script import run_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arvo.contracts import Contract, ContractVersion, Payload

__all__ = ["AnyState", "scripted_resumable"]

_DOMAINS = {"services": "call_domains", "complete": "domains", "systemError": "error_domains"}
_DIRECTIVES = {
    "to": "to",
    "domain": "domain",
    "executionunits": "execution_units",
    "redirectto": "redirectto",
    "accesscontrol": "accesscontrol",
}
_OUTPUT_DIRECTIVES = {"__domain": "domain", "__executionunits": "execution_units"}
_PARENT = "parentSubject$$"


class AnyState(RootModel[Any]):
    """Scripts keep any JSON."""


def scripted_resumable(
    spec: Mapping[str, Any], contracts: Mapping[str, Contract], seen: list[dict[str, Any]]
) -> Resumable:
    """The workflow that a `{kind: "resumable", ...}` spec describes; what its functions get is added to `seen`."""
    contract = contracts[spec["contract"]]
    assert isinstance(contract, OrchestratorContract)
    domains = spec.get("defaultEventEmissionDomains", {})
    called = services(*(contracts[name].get(version) for name, version in spec["services"].values()))
    workflow = Resumable(
        contract,
        execution_units=spec.get("executionunits"),
        lock=spec.get("requiresResourceLocking", True),
        **{_DOMAINS[kind]: rules for kind, rules in domains.items()},
    )
    for number, script in spec["versions"].items():
        try:
            version = contract.get(number)
        except DefinitionError:
            # The original ignores functions of versions that do not exist; here there is nothing to give one to.
            continue
        workflow.on(version, state=AnyState, services=called)(_scripted(version, called.versions, script, seen))
    return workflow


def _scripted(
    version: ContractVersion[Any, Any],
    called: Sequence[ContractVersion[Any, Any]],
    script: Mapping[str, Any],
    seen: list[dict[str, Any]],
) -> Any:
    async def function(turn: Turn[Any, AnyState]) -> Wait[AnyState, Any] | Done[Any, AnyState, Any]:
        event = turn.event.to_dict()
        is_init = turn.event.type == version.accepted_type
        collected: dict[str, list[dict[str, Any]]] = {}
        for reply in turn.collected:
            collected.setdefault(reply.type, []).append(reply.to_dict())
        scope = {
            "input": event if is_init else None,
            "service": None if is_init else event,
            "context": None if turn.state is None else turn.state.root,
            "collected": collected,
            "domain": {"self": turn.domain.own, "event": turn.domain.event},
        }
        seen.append(
            {
                "version": turn.version,
                "domain": scope["domain"],
                "context": scope["context"],
                "input": turn.event.id if is_init else None,
                "service": None if is_init else {"type": turn.event.type, "id": turn.event.id},
                "collected": {kind: [reply["id"] for reply in replies] for kind, replies in collected.items()},
                "metadata_status": None if turn.event.id == turn.init_event_id else "active",
            }
        )
        return _answer(version, called, run_script(script, scope) or {})

    return function


def _answer(
    version: ContractVersion[Any, Any], called: Sequence[ContractVersion[Any, Any]], returned: Mapping[str, Any]
) -> Wait[AnyState, Any] | Done[Any, AnyState, Any]:
    state = None if returned.get("context") is None else AnyState(returned["context"])
    calls = [_call(called, each) for each in returned.get("services", ())]
    if returned.get("output") is None:
        return Wait(state, calls)
    return Done(_output(version, returned["output"]), state, calls)


def _call(called: Sequence[ContractVersion[Any, Any]], returned: Mapping[str, Any]) -> Emit[Payload]:
    """What Python code would return: the payload alone, its directives around it."""
    service = next((each for each in called if each.accepted_type == returned["type"]), None)
    directives = {ours: returned[theirs] for theirs, ours in _DIRECTIVES.items() if theirs in returned}
    if "id" in returned:
        directives["id"] = id_of(returned["id"])
    if service is None:
        return Emit(output_payload(called[0], returned["type"], returned["data"]), **directives)
    data = dict(returned["data"])
    if isinstance(service, OrchestratorVersion) and _PARENT in data:
        directives["parent_subject"] = data.pop(_PARENT)
    return Emit(service.accepts.model_validate(data), **directives)


def _output(version: ContractVersion[Any, Any], returned: Mapping[str, Any]) -> Emit[Payload]:
    data = {name: value for name, value in returned.items() if not name.startswith("__")}
    directives = {ours: returned[theirs] for theirs, ours in _OUTPUT_DIRECTIVES.items() if theirs in returned}
    if "__id" in returned:
        directives["id"] = id_of(returned["__id"])
    (completion,) = version.emit_types.values()
    return Emit(output_payload(version, completion, data), **directives)
