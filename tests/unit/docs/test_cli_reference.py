"""`docs/cli.md` is what the commands say of themselves."""

from __future__ import annotations

from tests.unit.docs.cli_reference import cli_reference
from tests.unit.docs.pages import ROOT


def test_the_reference_is_that_of_the_commands() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == cli_reference(), "Run: python -m tests.unit.docs.cli_reference > docs/cli.md"


def test_every_command_has_an_example_or_needs_none() -> None:
    sections = cli_reference().split("\n## ")[1:]
    without = {section.split("\n")[0] for section in sections if "Examples:" not in section}
    groups = {"arvo contract", "arvo dead-letters", "arvo inbox", "arvo machine", "arvo store", "arvo workflow"}
    assert without <= {"arvo", *groups, "arvo init", "arvo version"}
