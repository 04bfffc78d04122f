"""`arvo store`: making the tables of a durable store."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
import msgspec

from arvo.cli.failure import CommandError
from arvo.cli.stores import store_at, store_option
from arvo.errors import BackendError

if TYPE_CHECKING:
    from arvo.ports import SchemaUpgrade

__all__ = ["store"]


@click.group()
def store() -> None:
    """Make the tables of a durable store."""


@store.command()
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def upgrade(url: str, *, as_json: bool) -> None:
    """Make the tables, or bring them up to date.

    A SQLite file is also brought up to date by its first use. Safe to run from many places at once; run it with a user
    who may create tables, before workers of a new version start.

    \b
    Examples:
      arvo store upgrade --store postgresql://admin@db/orders
    """
    try:
        done = asyncio.run(_upgrade(url))
    except BackendError as error:
        raise CommandError(error.message) from error
    if as_json:
        click.echo(msgspec.json.encode(asdict(done)))
    elif done.before == done.after:
        click.echo(f"The tables are up to date: version {done.after}.")
    else:
        click.echo(f"Upgraded the tables from version {done.before} to {done.after}.")


async def _upgrade(url: str) -> SchemaUpgrade:
    # Not entered: that is refused while the tables are not up to date.
    found = store_at(url)
    try:
        return await found.upgrade()
    finally:
        await found.close()
