"""Finding what `module:name` on a command line means, with errors for people who mistyped it."""

from __future__ import annotations

import importlib
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from arvo.cli.failure import CommandError
from arvo.cli.log_notes import place_in_user_code
from arvo.errors import ArvoError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["load"]

T = TypeVar("T")
U = TypeVar("U")


@overload
def load(reference: str, kind: type[T]) -> T: ...
@overload
def load(reference: str, kind: tuple[type[T], type[U]]) -> T | U: ...
def load(reference: str, kind: type[Any] | tuple[type[Any], ...]) -> Any:
    """The object of this kind, or one of these kinds, that `module:name` names; dots in the name reach into objects.

    The current folder is importable. Raises `CommandError` that says what to correct.
    """
    module_name, separator, name = reference.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        dotted = module_name.removeprefix("./").removesuffix(".py").replace("/", ".")
        raise CommandError(f"{module_name!r} is a file. Name its module instead: '{dotted}:{name or 'app'}'.")
    if not (module_name and separator and name):
        raise CommandError(f"{reference!r} is not of the form module:name, as in 'shop.main:app'.")
    module = _import(module_name)
    found: object = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise CommandError(f"{module_name!r} has no {name!r}.{_hint(part, module, kind)}")
        found = getattr(found, part)
    if not isinstance(found, kind):
        raise CommandError(f"{reference!r} is a {type(found).__name__}, not {_named(kind)}.{_hint(name, module, kind)}")
    return found


def _import(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise CommandError(
                f"There is no module {error.name!r} in {here} or among the installed packages. "
                "Run the command from the folder that holds it."
            ) from error
        raise CommandError(
            f"{name!r} imports {error.name!r}, which is not installed{place_in_user_code(error)}. Install it."
        ) from error
    except SystemExit as error:
        raise CommandError(f"{name!r} ends the program while it is imported{place_in_user_code(error)}.") from error
    except Exception as error:
        raise CommandError(f"{name!r} does not load{place_in_user_code(error)}: {_described(error)}") from error


def _described(error: Exception) -> str:
    if isinstance(error, ArvoError):
        return error.message
    return f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"


def _hint(name: str, module: ModuleType, kind: type[object] | tuple[type[object], ...]) -> str:
    names = [known for known, value in vars(module).items() if isinstance(value, kind)]
    close = get_close_matches(name, names, n=1) or names[:1]
    if close:
        return f" Did you mean '{module.__name__}:{close[0]}'?"
    return " It holds none at all: create one there, at the top level."


def _named(kind: type[object] | tuple[type[object], ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(f"{'an' if one.__name__[0] in 'AEIO' else 'a'} {one.__name__}" for one in kinds)
