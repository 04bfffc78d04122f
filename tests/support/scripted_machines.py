"""Orchestrators made from the vectors' scripts, through the public API alone; the notation is in their README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from arvo.contracts import OrchestratorContract, services
from arvo.events import Event
from arvo.orchestration import ChartMachine, Machine, Orchestrator
from arvo.statecharts import Assign, Effect, EmitEvent, RaiseEvent
from tests.support.script import evaluate, run_script, throw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from arvo.contracts import Contract

__all__ = ["scripted_machine", "scripted_orchestrator"]

_DOMAINS = {"services": "call_domains", "complete": "domains", "systemError": "error_domains"}


def scripted_orchestrator(
    spec: Mapping[str, Any], contracts: Mapping[str, Contract], seen: list[dict[str, Any]]
) -> Orchestrator:
    """The workflow that an `{kind: "orchestrator", ...}` spec describes; nothing is noted in `seen`."""
    del seen
    machines = [scripted_machine(machine, contracts) for machine in spec["machines"]]
    name = spec["machines"][0]["contract"][0] if machines else next(iter(contracts))
    contract = contracts[name]
    assert isinstance(contract, OrchestratorContract)
    domains = spec.get("defaultEventEmissionDomains", {})
    return Orchestrator(
        contract,
        machines,
        execution_units=spec.get("executionunits"),
        lock=spec.get("requiresResourceLocking", True),
        **{_DOMAINS[kind]: rules for kind, rules in domains.items()},
    )


def scripted_machine(
    spec: Mapping[str, Any], contracts: Mapping[str, Contract]
) -> ChartMachine[Any, Any, Any, Any, Any]:
    """The machine of a spec `{contract, services, config, context, output, guards, actions}`."""
    name, number = spec["contract"]
    called = services(*(contracts[service].get(version) for service, version in spec["services"].values()))
    output = spec.get("output")
    guards: Mapping[str, Any] = spec.get("guards") or {}
    actions: Mapping[str, Mapping[str, Any]] = spec.get("actions") or {}
    return Machine.from_xstate(
        contracts[name].get(number),
        spec["config"],
        services=called,
        context=lambda event: _context(spec.get("context", {}), {"input": event.to_dict()}),
        guards={guard: _guard(script) for guard, script in guards.items()},
        actions={action: _effect(script) for action, script in actions.items()},
        output=None if output is None else lambda context, event: _evaluated(output, context, event),
        **spec.get("setup_extra", {}),
    )


def _context(expression: Any, scope: Mapping[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", run_script(expression if "throw" in expression else {"return": expression}, scope))


def _guard(script: Any) -> Callable[[Any, Any, Any], object]:
    def holds(context: Any, event: Any, params: Any) -> object:
        if isinstance(script, dict) and "throw" in script:
            throw(cast("Mapping[str, Any]", script)["throw"], _scope(context, event, params))
        return _evaluated(script, context, event, params)

    return holds


def _effect(script: Mapping[str, Any]) -> Effect:
    ((kind, expression),) = script.items()
    match kind:
        case "assign":
            return Assign(lambda context, event, params: _evaluated(expression, context, event, params))
        case "emit" | "enqueueArvoEvent":
            return EmitEvent(lambda context, event, params: _evaluated(expression, context, event, params))
        case "raise":
            return RaiseEvent(lambda context, event, params: _evaluated(expression, context, event, params))
        case "throw":
            return Assign(lambda context, event, params: throw(expression, _scope(context, event, params)))
        case _:
            return Assign(lambda _context, _event, _params: None)


def _evaluated(expression: Any, context: Any, event: Any, params: Any = None) -> Any:
    return evaluate(expression, _scope(context, event, params))


def _scope(context: Any, event: Any, params: Any) -> dict[str, Any]:
    return {"context": context, "event": _json(event), "params": params}


def _json(event: Any) -> Any:
    if isinstance(event, Event):
        return event.to_dict()
    return {key: _json(value) for key, value in event.items()} if isinstance(event, dict) else event  # pyright: ignore[reportUnknownVariableType]
