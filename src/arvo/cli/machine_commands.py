"""`arvo machine`: looking at the statecharts of workflows, and at what is wrong with them."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, cast

import click

from arvo.cli.failure import CommandError, ExitCode
from arvo.cli.references import load
from arvo.errors import DefinitionError, InvalidSnapshot
from arvo.orchestration import ChartMachine, Orchestrator
from arvo.statecharts import to_svg

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["machine"]

AnyMachine = ChartMachine[Any, Any, Any, Any, Any]


@click.group()
def machine() -> None:
    """Draw and check the machines of workflows."""


@machine.command()
@click.argument("reference", metavar="MODULE:NAME")
@click.option("--version", metavar="X.Y.Z", help="Which one, where an Orchestrator has several.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["mermaid", "svg", "json"]),
    default="mermaid",
    show_default=True,
    help="A diagram as text, as a picture, or the XState v5 document.",
)
@click.option(
    "--snapshot",
    type=click.File("rb"),
    metavar="FILE",
    help="Mark the states that are active in a snapshot, or in a workflow's record ('-' for standard input).",
)
def show(reference: str, version: str | None, form: str, snapshot: IO[bytes] | None) -> None:
    """Print the chart of a machine.

    NAME is a Machine or an Orchestrator.

    \b
    Examples:
      arvo machine show shop.order:machine
      arvo machine show shop.order:place_order --version 1.0.0 --format svg > order.svg
      arvo machine show shop.order:machine --snapshot record.json
    """
    if form == "json" and snapshot is not None:
        raise click.UsageError("A document has no place for what is active. Use --snapshot with mermaid or svg.")
    chosen = _chosen(_machines(reference), version, reference)
    kept = None if snapshot is None else _snapshot_in(snapshot)
    try:
        if form == "json":
            click.echo(json.dumps(chosen.to_xstate(), indent=2, ensure_ascii=False))
        elif form == "svg":
            click.echo(to_svg(chosen.definition, kept), nl=False)
        else:
            click.echo(chosen.to_mermaid(kept), nl=False)
    except DefinitionError as error:
        raise CommandError(error.message) from error
    except InvalidSnapshot as error:
        raise CommandError(
            f"{getattr(snapshot, 'name', 'It')} is no snapshot of {chosen.version.dataschema}: "
            f"{'; '.join(map(str, error.issues))}."
        ) from error


@machine.command()
@click.argument("references", nargs=-1, required=True, metavar="MODULE:NAME...")
@click.option("--strict", is_flag=True, help="Let doubts count as errors.")
def check(references: tuple[str, ...], *, strict: bool) -> None:
    """Say what is wrong with machines, and what is probably not meant.

    Each NAME is a Machine or an Orchestrator. Doubts are, for example, a reply of a called service that no state takes,
    or a state that nothing leads out of. What a function calls is known by its return annotation.

    \b
    Examples:
      arvo machine check shop.order:machine
      arvo machine check shop.order:place_order shop.refund:refund_order --strict

    \b
    Exit code:
      0    no errors
      1    a machine cannot work, or is doubted with --strict
      2    there is no such machine
    """
    good = True
    for reference in references:
        try:
            for one in _machines(reference):
                found = _report(one)
                good = good and not (strict and found)
        except (DefinitionError, CommandError) as error:
            if not (isinstance(error, DefinitionError) or isinstance(error.__cause__, DefinitionError)):
                raise
            click.echo(click.style(f"{reference}: {error.message}", fg="red"), err=True)
            good = False
    if not good:
        raise click.exceptions.Exit(ExitCode.BAD)


def _machines(reference: str) -> tuple[AnyMachine, ...]:
    kinds: tuple[type[AnyMachine], type[Orchestrator]] = (ChartMachine, Orchestrator)
    found = load(reference, kinds)
    return found.machines if isinstance(found, Orchestrator) else (found,)


def _chosen(machines: tuple[AnyMachine, ...], version: str | None, reference: str) -> AnyMachine:
    by_version = {one.version.version: one for one in machines}
    if version is None and len(by_version) == 1:
        return machines[0]
    if version not in by_version:
        problem = "has several versions" if version is None else f"has no version {version}"
        raise CommandError(f"{reference!r} {problem}. Name one with --version: {', '.join(by_version)}.")
    return by_version[version]


def _snapshot_in(file: IO[bytes]) -> Mapping[str, Any]:
    """The snapshot in a file, which may be in a workflow's record."""
    try:
        given: object = json.load(file)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file.name} is not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise CommandError(f"{file.name} holds {type(given).__name__}, not the JSON object of a snapshot or a record.")
    members = cast("dict[str, Any]", given)
    kept: object = members.get("state", members)
    return cast("Mapping[str, Any]", kept) if isinstance(kept, dict) else members


def _report(one: AnyMachine) -> bool:
    """Say how a machine looks, and whether it is doubted. Raises `DefinitionError` if it cannot work."""
    states = len(one.definition.states) - 1
    doubts = one.doubts
    found = f"{_counted(states, 'state')}, no errors, {_counted(len(doubts), 'doubt')}"
    click.echo(f"{one.version.dataschema}: {found}")
    for doubt in doubts:
        click.echo(click.style(f"  {doubt}", fg="yellow"))
    return bool(doubts)


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
