"""Lists every public name as `module: name`. Run as a module, it prints the list that `exports.txt` holds."""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module

import arvo.backends

ALWAYS_PUBLIC = ("arvo", "arvo.ports", "arvo.testing.broker", "arvo.testing.machine_memory", "arvo.testing.store")


def public_modules() -> list[str]:
    """The modules whose `__all__` is a promise to users."""
    backends = [f"arvo.backends.{module.name}" for module in pkgutil.iter_modules(arvo.backends.__path__)]
    return [*ALWAYS_PUBLIC, *sorted(backends)]


def exported_names(module: str) -> list[str]:
    """What a module exports, in the order of its `__all__`."""
    return list(import_module(module).__all__)


def exports() -> list[str]:
    """The whole list."""
    return [f"{module}: {name}" for module in public_modules() for name in sorted(exported_names(module))]


if __name__ == "__main__":
    sys.stdout.write("\n".join(exports()) + "\n")
