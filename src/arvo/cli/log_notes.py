"""What the library logs during a command, as notes of one line each."""

from __future__ import annotations

import logging
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arvo.cli.console import shortened, visible

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LogNotes", "place_in_user_code"]

SHOWN_OF_A_KIND: Final = 3
_LONGEST: Final = 400
_ARVO: Final = f"{Path(__file__).parents[1]}{os.sep}"
_STANDARD_LIBRARY: Final = f"{Path(traceback.__file__).parent}{os.sep}"


@dataclass(slots=True)
class _Alike:
    """Records of one message template and one class of error."""

    first: str
    count: int = 0


class LogNotes(logging.Handler):
    """Turns log records of `arvo` into notes; of many that are alike, only the first few.

        with LogNotes(console.note, verbose=False):
            ...

    `verbose` shows all of them, less important ones too, and the tracebacks; `every` shows all that are alike. Records
    about something in `told_elsewhere` are left out. A program that has set up logging by itself gets its records as it
    wants them, and there are no notes.
    """

    def __init__(
        self,
        note: Callable[[str], object],
        *,
        verbose: bool,
        every: bool = False,
        told_elsewhere: tuple[type, ...] = (),
    ) -> None:
        super().__init__(logging.INFO if verbose else logging.WARNING)
        self._note = note
        self._verbose = verbose
        self._every = every or verbose
        self._told_elsewhere = told_elsewhere
        self._alike: dict[tuple[str, type[BaseException] | None], _Alike] = {}
        self._logger = logging.getLogger("arvo")
        self._level_before = self._logger.level

    def __enter__(self) -> LogNotes:
        self._level_before = self._logger.level
        if not logging_is_set_up():
            self._logger.addHandler(self)
            if self._verbose:
                self._logger.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level_before)
        for alike in self._alike.values():
            if alike.count > SHOWN_OF_A_KIND and not self._every:
                self._note(f"{alike.count - SHOWN_OF_A_KIND} more like: {alike.first}")

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on as a note."""
        if isinstance(record.args, tuple) and record.args and isinstance(record.args[0], self._told_elsewhere):
            return
        error = record.exc_info[1] if record.exc_info else None
        kind = (str(record.msg), None if error is None else type(error))
        text = self._text(record, error)
        alike = self._alike.setdefault(kind, _Alike(text))
        alike.count += 1
        if self._every or alike.count <= SHOWN_OF_A_KIND:
            self._note(text)

    def _text(self, record: logging.LogRecord, error: BaseException | None) -> str:
        level = record.levelname.lower()
        label = click.style(f"{level}:", fg="red" if record.levelno >= logging.ERROR else "yellow")
        message = record.getMessage()
        if error is not None:
            described = f"{type(error).__name__}: {error}"
            if described not in message:
                message = f"{message} {described}"
            message += place_in_user_code(error)
        text = f"{label} {shortened(visible(message), _LONGEST)}"
        if error is not None and self._verbose:
            text += "\n" + "".join(traceback.format_exception(error)).rstrip()
        return text


def logging_is_set_up() -> bool:
    """Whether the program has said where log records go."""
    return bool(logging.getLogger().handlers)


def place_in_user_code(error: BaseException) -> str:
    """Where the user's own code was when it failed, as ` (file, line 7)`: the last frame that no package owns."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f" ({_near(error.filename)}, line {error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_foreign(frame.filename)]
    if frames:
        return f" ({_near(frames[-1].filename)}, line {frames[-1].lineno})"
    return "" if error.__cause__ is None else place_in_user_code(error.__cause__)


def _is_foreign(filename: str) -> bool:
    return filename.startswith(("<", _ARVO, _STANDARD_LIBRARY)) or "site-packages" in filename


def _near(filename: str) -> str:
    """The path from here when it is below here."""
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
