"""The two streams of a command: rows on standard output, notes and progress on standard error.

Knows about terminals, pipes that close and characters that must not reach a terminal, and nothing about Arvo.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Console", "no_colour_wanted", "shortened", "visible"]

_ERASE: Final = "\r\x1b[K"
_FRESH_SCREEN: Final = "\x1b[2J\x1b[H"
_REWRITE_SECONDS: Final = 0.1
_REPEAT_SECONDS: Final = 5.0


class Console:
    """Writes whole lines, and keeps the progress line out of their way.

    Once standard output takes nothing more (its reader is gone, its disk is full), `lost` is the reason, `on_lost` is
    called, and what is printed afterwards goes nowhere.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.lost: OSError | None = None
        self.on_lost: Callable[[], object] = lambda: None
        self._clock = clock
        self._rewrites = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._due = clock() + (_REWRITE_SECONDS if self._rewrites else _REPEAT_SECONDS)
        self._progress_shown = False

    def row(self, text: str | bytes = "") -> None:
        """Write a line to standard output."""
        if self.lost is not None:
            return
        self.clear_progress()
        try:
            click.echo(text)
        except OSError as error:
            self._lose(error)

    def clear_screen(self) -> None:
        """Begin at the top of the terminal, if standard output is one."""
        if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
            self.row(_FRESH_SCREEN)

    def note(self, text: str) -> None:
        """Write a line to standard error."""
        self.clear_progress()
        _to_stderr(text)

    def progress(self, describe: Callable[[], str]) -> None:
        """Tell how far the work has come, unless that was told a moment ago.

        On a terminal the line is written over by the next one; in a log there is one every few seconds.
        """
        now = self._clock()
        if now < self._due:
            return
        self.clear_progress()
        self._due = now + (_REWRITE_SECONDS if self._rewrites else _REPEAT_SECONDS)
        self._progress_shown = self._rewrites
        _to_stderr(describe(), nl=not self._rewrites)

    def clear_progress(self) -> None:
        """Take the progress line away."""
        if self._progress_shown:
            self._progress_shown = False
            _to_stderr(_ERASE, nl=False)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What is still in the buffer must not fail again when the interpreter ends.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.on_lost()

    @property
    def reader_is_gone(self) -> bool:
        """Whether standard output was a pipe that its reader has closed."""
        return self.lost is not None and self.lost.errno in (errno.EPIPE, errno.EINVAL)


def _to_stderr(text: str, *, nl: bool = True) -> None:
    # Nobody could be told that standard error does not work.
    with suppress(OSError):
        click.echo(text, nl=nl, err=True)


def no_colour_wanted() -> bool:
    """Whether the environment asks for text without escape codes (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def visible(text: str) -> str:
    """The text on one line, with what could steer a terminal written as an escape."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def shortened(text: str, width: int) -> str:
    """The text, cut to `width` with dots at its end."""
    return text if len(text) <= width else f"{text[: width - 3]}..."
