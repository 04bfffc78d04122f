"""What is said when `module:name` does not lead to an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("shop", "'shop' is not of the form module:name, as in 'shop.main:app'."),
        ("shop:", "'shop:' is not of the form module:name, as in 'shop.main:app'."),
        (":app", "':app' is not of the form module:name, as in 'shop.main:app'."),
        ("shop.py", "'shop.py' is a file. Name its module instead: 'shop:app'."),
        ("./web/shop.py:it", "'./web/shop.py' is a file. Name its module instead: 'web.shop:it'."),
        ("shop:ap", "'shop' has no 'ap'. Did you mean 'shop:app'?"),
        ("shop:app.nothing", "'shop' has no 'app.nothing'. Did you mean 'shop:app'?"),
        ("shop:not_an_app", "'shop:not_an_app' is a int, not an App. Did you mean 'shop:app'?"),
        (
            "json:loads",
            "'json:loads' is a function, not an App. It holds none at all: create one there, at the top level.",
        ),
        ("shop.main:app", "There is no module 'shop.main' in "),
        ("..shop:app", "'..shop' does not load: TypeError:"),
    ],
)
def test_a_reference_that_leads_nowhere_says_how_to_correct_it(project: Project, reference: str, reason: str) -> None:
    done = project.arvo("run", reference, "--events", "-")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {reason}")
    assert len(done.err.splitlines()) == 1


def test_a_module_that_does_not_exist_is_named_with_where_it_was_sought(project: Project) -> None:
    done = project.arvo("run", "shoop:app", "--events", "-")
    assert done.code == 2
    assert done.err == (
        f"Error: There is no module 'shoop' in {project.folder} or among the installed packages. "
        "Run the command from the folder that holds it.\n"
    )


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = (1\n", "'broken' does not load (broken.py, line 1): SyntaxError: '(' was never closed"),
        ("import nothing_like_it\n", "'broken' imports 'nothing_like_it', which is not installed (broken.py, line 1)."),
        ("\n1 / 0\n", "'broken' does not load (broken.py, line 2): ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", "'broken' ends the program while it is imported (broken.py, line 2)."),
        ("from arvo import App\nApp([])\n", "'broken' does not load (broken.py, line 2): The app cannot be assembled."),
        ("from arvo import Nothing\n", "'broken' does not load (broken.py, line 1): ImportError: cannot import name"),
    ],
    ids=["syntax", "import", "error", "exit", "definition", "name"],
)
def test_a_module_that_does_not_load_names_the_line(project: Project, source: str, reason: str) -> None:
    (project.folder / "broken.py").write_text(source, encoding="utf-8")
    done = project.arvo("run", "broken:app", "--events", "-")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {reason}")
    assert "Traceback" not in done.err


def test_an_app_may_be_the_attribute_of_an_object(project: Project) -> None:
    (project.folder / "nested.py").write_text(
        "import shop\n\nclass Apps:\n    main = shop.app\n\napps = Apps()\n", encoding="utf-8"
    )
    project.write("events.jsonl")
    assert project.arvo("run", "nested:apps.main", "--events", "events.jsonl").code == 0
