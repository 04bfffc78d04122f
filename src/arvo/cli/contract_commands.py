"""`arvo contract`: exchanging contracts with other teams and languages as JSON documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from arvo.cli.failure import CommandError, ExitCode
from arvo.cli.references import load
from arvo.contracts import Contract, compare_contracts
from arvo.errors import DefinitionError
from arvo.runtime import App

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["contract"]


@click.group()
def contract() -> None:
    """Export contracts as JSON, and check such documents."""


@contract.command()
@click.argument("reference", metavar="MODULE:NAME")
@click.option("--out", type=click.Path(path_type=Path), metavar="PATH", help="A file, or a folder for a whole app.")
def export(reference: str, out: Path | None) -> None:
    """Print the JSON document of a contract, or write those of all contracts of an app.

    NAME is a contract, or an app; an app needs --out with a folder, which gets one file for each contract.

    \b
    Examples:
      arvo contract export shop.card:charge > card.charge.json
      arvo contract export shop.main:app --out contracts
    """
    found = load(reference, (Contract, App))
    try:
        if isinstance(found, Contract):
            if out is None:
                click.echo(found.to_json())
            else:
                _write(out, found)
            return
        if out is None:
            raise CommandError(f"{reference!r} is an app with several contracts. Name a folder for them with --out.")
        for one in _contracts(found):
            _write(out / f"{one.type}.json", one)
    except DefinitionError as error:
        raise CommandError(str(error)) from error


@contract.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="OLD", help="An older document of the same contract."
)
def validate(paths: tuple[Path, ...], against: Path | None) -> None:
    """Check that documents hold contracts that can be used here.

    With --against, also that the one FILE can replace OLD without breaking those who send to the contract or listen to
    it: what it accepts may only grow, what it emits only shrink.

    \b
    Examples:
      arvo contract validate contracts/*.json
      arvo contract validate card.charge.json --against released/card.charge.json

    \b
    Exit code:
      0    all is well
      1    a document holds no usable contract, or a change breaks somebody
      2    a file cannot be read
    """
    if against is not None and len(paths) > 1:
        raise click.UsageError("--against compares one document. Give one FILE.")
    found = [_read(path) for path in paths]
    older = None if against is None else _read(against)
    good = all(one is not None for one in found)
    if against is not None:
        good = older is not None and found[0] is not None and _is_compatible(older, found[0], against)
    if not good:
        raise click.exceptions.Exit(ExitCode.BAD)


def _read(path: Path) -> Contract | None:
    """The contract in the file, or None after saying what is wrong with it."""
    try:
        found = Contract.from_json(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}.") from error
    except DefinitionError as error:
        click.echo(click.style(f"{path}: {error}", fg="red"), err=True)
        return None
    click.echo(f"{path}: {found.uri} accepts {found.type}, versions {', '.join(found.versions)}")
    return found


def _is_compatible(older: Contract, newer: Contract, path: Path) -> bool:
    findings = compare_contracts(older, newer)
    for finding in findings:
        click.echo(click.style(str(finding), fg="red" if finding.is_breaking else None))
    breaking = sum(finding.is_breaking for finding in findings)
    if breaking:
        text = f"It cannot replace {path}: {_counted(breaking)} would break somebody."
        click.echo(click.style(text, fg="red"), err=True)
    else:
        changes = f"{_counted(len(findings))}, none of them breaking" if findings else "nothing has changed"
        click.echo(f"It can replace {path}: {changes}.")
    return not breaking


def _counted(changes: int) -> str:
    return f"{changes} change{'' if changes == 1 else 's'}"


def _contracts(app: App) -> Iterable[Contract]:
    """Every contract that the app answers for or calls, by the type that names its file."""
    found: dict[str, Contract] = {}
    for handler in app.handlers:
        for version in (*handler.implements, *handler.calls):
            other = found.setdefault(version.contract.type, version.contract)
            if other is not version.contract:
                raise CommandError(
                    f"The app has two contracts of type {other.type!r}, {other.uri!r} and {version.contract.uri!r}, "
                    "which would be written to one file. Export them one by one."
                )
    return found.values()


def _write(path: Path, one: Contract) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{one.to_json()}\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}.") from error
    click.echo(f"Wrote {path}.")
