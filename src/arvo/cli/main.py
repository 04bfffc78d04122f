"""The command group itself; each command is in a module of its own."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed_version

import click
import msgspec

from arvo.cli.contract_commands import contract
from arvo.cli.init_command import init
from arvo.cli.run_command import run

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Run Arvo apps and look after their contracts."""


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def version(*, as_json: bool) -> None:
    """Print the versions of Arvo and of what it runs on."""
    found = {
        "arvo-event-handler": installed_version("arvo-event-handler"),
        "python": platform.python_version(),
        **{name: installed_version(name) for name in ("pydantic", "msgspec", "opentelemetry-api")},
    }
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for name, number in found.items():
        click.echo(f"{name} {number}")


main.add_command(run)
main.add_command(init)
main.add_command(contract)
