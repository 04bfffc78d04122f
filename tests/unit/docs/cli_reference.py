"""Writes `docs/cli.md` from the help of the commands: python -m tests.unit.docs.cli_reference > docs/cli.md"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from arvo.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cli_reference"]

HEAD = """\
# The command line

`arvo` comes with the package; `python -m arvo` is the same. This page is made from `--help` of each command.
"""


def cli_reference() -> str:
    """The page."""
    sections = (f"## {path}\n\n```text\n{text}\n```\n" for path, text in _helps(main, "arvo", None))
    return "\n".join([HEAD, *sections])


def _helps(command: click.Command, path: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        path.split(" ")[-1], [], parent, resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    yield path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _helps(found, f"{path} {name}", context)


if __name__ == "__main__":
    click.echo(cli_reference(), nl=False)
