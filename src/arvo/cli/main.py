"""The command group itself; each command is in a module of its own."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version as installed_version
from io import TextIOWrapper

import click
import msgspec

from arvo.cli.console import no_colour_wanted
from arvo.cli.contract_commands import contract
from arvo.cli.init_command import init
from arvo.cli.machine_commands import machine
from arvo.cli.operate.dead_letter_commands import dead_letters
from arvo.cli.operate.inbox_commands import inbox
from arvo.cli.operate.status_command import status
from arvo.cli.operate.workflow_commands import workflow
from arvo.cli.run_command import run
from arvo.cli.simulate_command import simulate
from arvo.cli.store_commands import store

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.pass_context
def main(context: click.Context) -> None:
    """Run Arvo apps and look after their contracts.

    \b
    In five minutes:
      arvo init hello && cd hello
      arvo run main:app --events events.jsonl
    """
    if no_colour_wanted():
        context.color = False
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character is no reason to stop in the middle of a run.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
        click.echo(msgspec.json.encode(found))
        return
    for name, number in found.items():
        click.echo(f"{name} {number}")


main.add_command(run)
main.add_command(simulate)
main.add_command(init)
main.add_command(contract)
main.add_command(machine)
main.add_command(store)
main.add_command(status)
main.add_command(dead_letters)
main.add_command(inbox)
main.add_command(workflow)
