"""Runs the code of one page in a process of its own, and prints what each block printed, as a JSON list."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

from tests.unit.docs.pages import blocks, page_id


def outputs(page: Path) -> list[str]:
    """What each Python block of the page prints, all of them run in one module."""
    module = ModuleType("page")
    sys.modules["page"] = module
    printed: list[str] = []
    for block in blocks(page):
        if block.language == "python":
            with redirect_stdout(io.StringIO()) as out:
                # Padded, so that a traceback names the line of the page.
                code = compile("\n" * (block.line - 1) + block.text, page_id(page), "exec")
                exec(code, module.__dict__)  # noqa: S102
            printed.append(out.getvalue())
    return printed


if __name__ == "__main__":
    sys.stdout.write(json.dumps(outputs(Path(sys.argv[1]))))
