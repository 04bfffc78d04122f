"""What users would get from a package index is complete, and nothing more."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and with the wheel made out of that sdist."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture
def wheel(built: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(next(built.glob("*.whl")))


def metadata(wheel: zipfile.ZipFile) -> Message:
    name = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_wheel_holds_every_source_file_and_the_typing_marker(wheel: zipfile.ZipFile) -> None:
    sources = ROOT / "src"
    expected = {str(path.relative_to(sources)) for path in sources.rglob("*.py")} | {"arvo/py.typed"}

    assert expected <= set(wheel.namelist())


def test_wheel_holds_nothing_outside_the_package_its_plugin_and_its_metadata(wheel: zipfile.ZipFile) -> None:
    found = {name.split("/")[0].split("-")[0] for name in wheel.namelist()}
    assert found == {"arvo", "arvo_event_handler", "pytest_arvo.py"}


def test_wheel_carries_the_license_and_the_command(wheel: zipfile.ZipFile) -> None:
    info = next(name for name in wheel.namelist() if name.endswith("/METADATA")).split("/")[0]

    assert metadata(wheel)["License-Expression"] == "MIT"
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    entry_points = wheel.read(f"{info}/entry_points.txt").decode()
    assert "arvo = arvo.cli:main" in entry_points
    assert "arvo = pytest_arvo" in entry_points


def test_sdist_holds_the_sources_and_no_tests(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        top = {name.split("/")[1] for name in sdist.getnames()}

    assert top == {"src", "CHANGELOG.md", "LICENSE", "README.md", "PKG-INFO", "pyproject.toml", ".gitignore"}
