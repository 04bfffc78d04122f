"""What pages show of the command line is what it prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

import arvo.cli.template
from arvo.cli import main
from tests.support.masking import masked
from tests.unit.docs.pages import ROOT, blocks

if TYPE_CHECKING:
    import pytest

README = blocks(ROOT / "README.md")
TEMPLATE = Path(arvo.cli.template.__file__ or "").with_name("main.py")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_first_run_of_the_readme_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = next(number for number, block in enumerate(README) if "$ arvo init" in block.text)
    commands = [line for line in README[place].text.splitlines() if line.startswith("$ arvo")]
    assert commands == ["$ arvo init hello && cd hello", "$ arvo run main:app --events events.jsonl"]
    monkeypatch.chdir(tmp_path)
    run("init", "hello")
    monkeypatch.chdir(tmp_path / "hello")
    monkeypatch.setattr("sys.path", [str(tmp_path / "hello"), *sys.path])
    sys.modules.pop("main", None)
    shown = run("run", "main:app", "--events", "events.jsonl")
    del sys.modules["main"]
    assert masked(README[place + 1].text) in masked(shown)


def test_the_code_of_the_readme_is_that_of_a_new_project() -> None:
    code = [block.text for block in README if block.language == "python"][:2]
    statements = [part.strip("\n") for text in code for part in text.split("\n\n\n") if "import" not in part]
    assert len(statements) > 5
    template = TEMPLATE.read_text(encoding="utf-8")
    assert [part for part in statements if part not in template] == []
