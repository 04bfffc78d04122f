"""The examples in the docstrings of this room do what they show."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import arvo.events

MODULES = [f"arvo.events.{module.name}" for module in iter_modules(arvo.events.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_do_what_they_show(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0


def test_the_entry_points_have_examples() -> None:
    finder = doctest.DocTestFinder()
    found = {test.name for name in MODULES for test in finder.find(import_module(name)) if test.examples}
    assert {"arvo.events.event.Event", "arvo.events.creation.create_event", "arvo.events.uri.encode_uri"} <= found
