"""The errors of commands: one that could not do its work at all, and one whose work is not to be done as things are."""

from __future__ import annotations

from typing import Final

import click

from arvo.cli.console import visible

__all__ = ["CommandError", "ExitCode", "NotDoneError", "in_one_line"]


class ExitCode:
    """What the commands tell their caller; the help of each explains them."""

    GOOD: Final = 0
    BAD: Final = 1
    UNUSABLE: Final = 2
    LOST_OUTPUT: Final = 141
    SIGNALS: Final = {"SIGINT": 130, "SIGTERM": 143}


class CommandError(click.ClickException):
    """The command was given something it cannot use: printed as one line, exit code 2."""

    exit_code = ExitCode.UNUSABLE


class NotDoneError(click.ClickException):
    """What was asked for is not to be done with what the store holds: printed as one line, exit code 1."""

    exit_code = ExitCode.BAD


def in_one_line(message: str) -> str:
    """A message without line breaks and what could steer a terminal, as those of drivers may have them."""
    return visible(" ".join(message.split()))
