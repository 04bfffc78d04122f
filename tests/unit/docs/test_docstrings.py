"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

import arvo

if TYPE_CHECKING:
    from types import ModuleType

SKIPPED = {"arvo.__main__", "arvo.cli.template.test_main"}


def modules() -> list[str]:
    found = pkgutil.walk_packages(arvo.__path__, "arvo.")
    return ["arvo", *(module.name for module in found if module.name not in SKIPPED)]


def examples(module: ModuleType) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder(exclude_empty=True).find(module) if test.examples]


@pytest.mark.parametrize("name", modules())
def test_examples_of_a_module_work(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    report: list[str] = []
    for test in examples(import_module(name)):
        runner.run(test, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def test_there_are_examples() -> None:
    assert sum(len(examples(import_module(name))) for name in modules()) >= 3
