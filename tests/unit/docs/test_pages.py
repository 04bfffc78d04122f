"""The documentation is true: its code runs and type-checks, its output is what comes out, its links lead somewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.unit.docs.pages import PAGES, ROOT, Block, blocks, links, page_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]
KNOWN_LANGUAGES = {"python", "text", "console", "json", "mermaid", "toml"}


@pytest.mark.parametrize("page", PYTHON, ids=page_id)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(page: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.unit.docs.run_page", str(page)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = iter(json.loads(done.stdout))
    for block, following in pairwise([*blocks(page), Block("", "", 0)]):
        if block.language == "python":
            expected = following.text if following.language == "text" else ""
            assert next(printed) == expected, f"{page_id(page)}:{following.line}"


def test_the_code_of_all_pages_type_checks(tmp_path: Path) -> None:
    files: list[str] = []
    for page in PYTHON:
        # Padded, so that a message names the line of the page.
        file = tmp_path / f"{page_id(page).replace('/', '_').removesuffix('.md')}_md.py"
        file.write_text(_padded(block for block in blocks(page) if block.language == "python"), encoding="utf-8")
        files.append(str(file))
    command = [sys.executable, "-m", "mypy", "--strict", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _padded(code: Iterable[Block]) -> str:
    text = ""
    for block in code:
        text += "\n" * (block.line - 1 - text.count("\n")) + block.text
    return text


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    local = [link.split("#")[0] for link in links(page) if "://" not in link and not link.startswith("#")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md" and page.exists():
            seen.add(page)
            waiting += [(page.parent / link.split("#")[0]).resolve() for link in links(page) if "://" not in link]
    assert set(PAGES) - seen == set()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_block_says_its_language(page: Path) -> None:
    assert {block.language for block in blocks(page)} <= KNOWN_LANGUAGES
