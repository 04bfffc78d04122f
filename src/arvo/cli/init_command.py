"""`arvo init`: a small project to start from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import click

from arvo.cli.failure import CommandError

__all__ = ["init"]

FILES: Final = ("main.py", "events.jsonl", "test_main.py")


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a small project into FOLDER: a service, a workflow, events to try, and a test.

    Files that are there already are never written over: then nothing is written at all.
    """
    existing = [name for name in FILES if (folder / name).exists()]
    if existing:
        raise CommandError(
            f"{folder / existing[0]} exists already, so nothing was written. Give another folder: arvo init FOLDER."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            text = (files("arvo.cli.template") / name).read_text(encoding="utf-8")
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror or error}.") from error
    click.echo(f"Wrote {', '.join(FILES)} into {folder}.")
    cd = "" if folder == Path() else f"cd {folder} && "
    click.echo(f"Try it: {cd}arvo run main:app --events events.jsonl")
