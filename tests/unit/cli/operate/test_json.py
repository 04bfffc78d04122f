"""The objects of `--json` have the members that the page on operating says they have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.cli.operate.conftest import a_letter, an_item

if TYPE_CHECKING:
    from tests.unit.cli.operate.conftest import Depot

PAGE = Path(__file__).resolve().parents[4] / "docs" / "operating.md"
ROW = re.compile(r"^\| `(\w+)` \| `([a-z- ]+)`(?:, `show`)? \| (.*) \|$", re.MULTILINE)
DOCUMENTED = {
    command: (kind, re.findall(r"`(\w+)`", members)) for kind, command, members in ROW.findall(PAGE.read_text())
}


def objects_of(depot: Depot, command: str) -> list[dict[str, Any]]:
    """What a command prints on a store that has one of everything."""
    (lamp, broken) = depot.numbers("arvo.orc.item")
    answer = ("--app", "depot:app", "--type", "evt.human.ask.refused", "--data", '{"reason": "no"}')
    options = {
        "dead-letters retry": ("1",),
        "dead-letters discard": ("1", "-y"),
        "inbox show": (depot.question(), "--app", "depot:app"),
        "inbox answer": (depot.question(), *answer),
        "inbox discard": (depot.question(), "-y"),
        "workflow show": (str(broken),),
        "workflow cancel": (str(lamp), "--app", "depot:app", "-y"),
        "workflow retry": (str(broken), "-y"),
        "store drop-unclaimed": ("com.web.desk", "--older-than", "0s", "-y"),
    }
    done = depot.arvo(*command.split(" "), *options.get(command, ()), "--json")
    assert done.code == 0, done.err
    return done.objects


def test_every_command_that_prints_json_is_on_the_page() -> None:
    assert len(DOCUMENTED) == 15


@pytest.mark.parametrize("command", DOCUMENTED)
def test_the_objects_have_the_members_of_the_page(depot: Depot, command: str) -> None:
    depot.work(an_item("lamp"), an_item("broken"), a_letter("ada"))
    kind, members = DOCUMENTED[command]
    found = objects_of(depot, command)
    assert found
    for each in found:
        assert list(each) == ["kind", *members]
        assert each["kind"] == kind
