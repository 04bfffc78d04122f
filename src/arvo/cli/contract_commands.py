"""`arvo contract`: exchanging contracts with other teams and languages as JSON documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from arvo.cli.references import load
from arvo.contracts import Contract
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
    """
    found = load(reference, (Contract, App))
    if isinstance(found, Contract):
        text = _text(found)
        if out is None:
            click.echo(text)
        else:
            _write(out, text)
        return
    if out is None:
        raise click.ClickException(
            f"{reference!r} is an app with several contracts. Name a folder for them with --out."
        )
    for one in _contracts(found):
        _write(out / f"{one.type}.json", _text(one))


@contract.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
def validate(paths: tuple[Path, ...]) -> None:
    """Check that documents hold contracts that can be used here. Exit code 1 when one does not."""
    good = True
    for path in paths:
        try:
            found = Contract.from_json(path.read_bytes())
        except OSError as error:
            good = _complain(path, error.strerror or str(error))
        except DefinitionError as error:
            good = _complain(path, str(error))
        else:
            click.echo(f"{path}: {found.uri} accepts {found.type}, versions {', '.join(found.versions)}")
    if not good:
        raise click.exceptions.Exit(1)


def _complain(path: Path, reason: str) -> bool:
    click.echo(click.style(f"{path}: {reason}", fg="red"), err=True)
    return False


def _contracts(app: App) -> Iterable[Contract]:
    versions = (version for handler in app.handlers for version in (*handler.implements, *handler.calls))
    return {version.contract.uri: version.contract for version in versions}.values()


def _text(one: Contract) -> str:
    document: dict[str, Any] = msgspec.json.decode(one.to_json())
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror or error}.") from error
    click.echo(f"Wrote {path}.")
