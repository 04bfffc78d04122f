"""The error of a command that could not do its work at all, as opposed to work that went badly."""

from __future__ import annotations

from typing import Final

import click

__all__ = ["CommandError", "ExitCode"]


class ExitCode:
    """What the commands tell their caller; `arvo run --help` explains them."""

    GOOD: Final = 0
    BAD: Final = 1
    UNUSABLE: Final = 2
    LOST_OUTPUT: Final = 141
    SIGNALS: Final = {"SIGINT": 130, "SIGTERM": 143}


class CommandError(click.ClickException):
    """The command was given something it cannot use: printed as one line, exit code 2."""

    exit_code = ExitCode.UNUSABLE
