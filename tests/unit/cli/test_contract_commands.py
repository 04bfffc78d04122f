"""`arvo contract`: documents out, documents in, and whether one can replace another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from arvo.contracts import Contract

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project


def exported(project: Project) -> dict[str, Any]:
    done = project.arvo("contract", "export", "shop:charge")
    assert (done.code, done.err) == (0, "")
    document: dict[str, Any] = json.loads(done.out)
    return document


def test_an_exported_contract_can_be_read_back(project: Project) -> None:
    assert [*Contract.from_json(json.dumps(exported(project))).versions] == ["1.0.0", "2.0.0"]


def test_a_contract_is_written_to_a_file_whose_folder_is_made(project: Project) -> None:
    done = project.arvo("contract", "export", "shop:charge", "--out", "contracts/charge.json")
    assert (done.code, done.out) == (0, "Wrote contracts/charge.json.\n")
    assert json.loads((project.folder / "contracts/charge.json").read_text()) == exported(project)


def test_an_app_is_written_as_one_file_for_each_contract_that_it_serves_or_calls(project: Project) -> None:
    assert project.arvo("contract", "export", "shop:app", "--out", "contracts").code == 0
    names = ["arvo.orc.order.json", "com.card.charge.json", "com.human.ask.json"]
    assert sorted(path.name for path in (project.folder / "contracts").iterdir()) == names
    checked = project.arvo("contract", "validate", *(f"contracts/{name}" for name in names))
    assert checked.code == 0
    assert checked.out.splitlines()[1] == (
        "contracts/com.card.charge.json: #/services/card.charge accepts com.card.charge, versions 1.0.0, 2.0.0"
    )


def test_an_app_needs_a_folder(project: Project) -> None:
    done = project.arvo("contract", "export", "shop:app")
    assert (done.code, done.out) == (2, "")
    assert "Name a folder for them with --out." in done.err


def test_two_contracts_that_would_be_written_to_one_file_are_refused(project: Project) -> None:
    (project.folder / "twice.py").write_text(
        "import shop\n"
        "from arvo import *\n"
        "other = Contract(uri='#/other/card.charge', type='com.card.charge')\n"
        "other_v1 = other.version('1.0.0', accepts=shop.Charge, emits=shop.Charged)\n"
        "flow = Resumable(OrchestratorContract('flow', uri='#/orchestrators/flow'))\n"
        "flow_v1 = flow.contract.version('1.0.0', accepts=shop.Order, emits=shop.Ordered)\n"
        "flow.on(flow_v1, state=shop.Progress, services=services(other_v1))(shop.advance)\n"
        "app = App([shop.charge_card, flow], external=[other])\n",
        encoding="utf-8",
    )
    done = project.arvo("contract", "export", "twice:app", "--out", "contracts")
    assert done.code == 2
    assert "'#/services/card.charge' and '#/other/card.charge'" in done.err


def test_what_cannot_be_written_is_an_error_of_one_line(project: Project) -> None:
    done = project.arvo("contract", "export", "shop:charge", "--out", ".")
    assert (done.code, done.err) == (2, "Error: . cannot be written: Is a directory.\n")


def test_a_contract_without_versions_cannot_be_exported(project: Project) -> None:
    (project.folder / "empty.py").write_text(
        "from arvo import Contract\nempty = Contract(uri='#/x', type='com.x.y')\n", encoding="utf-8"
    )
    done = project.arvo("contract", "export", "empty:empty")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: Contract '#/x' has no versions.")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"uri": 7}', b"\xff"], ids=repr)
def test_a_document_without_a_contract_is_refused_and_the_others_are_checked(project: Project, text: bytes) -> None:
    (project.folder / "bad.json").write_bytes(text)
    project.write("good.json", exported(project))
    done = project.arvo("contract", "validate", "bad.json", "good.json")
    assert done.code == 1
    assert done.err.startswith("bad.json: ")
    assert "Traceback" not in done.err
    assert done.out.startswith("good.json: ")


def test_a_document_that_cannot_be_read_is_an_error(project: Project) -> None:
    done = project.arvo("contract", "validate", "missing.json")
    assert (done.code, done.err) == (2, "Error: missing.json cannot be read: No such file or directory.\n")


def test_a_change_that_breaks_nobody_is_told_and_allowed(project: Project) -> None:
    old = exported(project)
    new = exported(project)
    old["versions"] = [version for version in old["versions"] if version["version"] != "2.0.0"]
    project.write("old.json", old)
    project.write("new.json", new)
    done = project.arvo("contract", "validate", "new.json", "--against", "old.json")
    assert (done.code, done.err) == (0, "")
    assert "compatible: 2.0.0: this version is new\n" in done.out
    assert done.out.endswith("It can replace old.json: 1 change, none of them breaking.\n")


def test_a_change_that_breaks_somebody_gives_exit_code_1(project: Project) -> None:
    project.write("old.json", exported(project))
    new = exported(project)
    new["versions"] = [version for version in new["versions"] if version["version"] != "1.0.0"]
    project.write("new.json", new)
    done = project.arvo("contract", "validate", "new.json", "--against", "old.json")
    assert done.code == 1
    assert "breaking: 1.0.0: this version is gone" in done.out
    assert done.err == "It cannot replace old.json: 1 change would break somebody.\n"


def test_the_same_contract_can_replace_itself(project: Project) -> None:
    project.write("old.json", exported(project))
    done = project.arvo("contract", "validate", "old.json", "--against", "old.json")
    assert done.code == 0
    assert done.out.endswith("It can replace old.json: nothing has changed.\n")


def test_an_unusable_older_document_cannot_be_compared_with(project: Project) -> None:
    project.write("old.json", "{}")
    project.write("new.json", exported(project))
    assert project.arvo("contract", "validate", "new.json", "--against", "old.json").code == 1


def test_only_one_document_is_compared(project: Project) -> None:
    done = project.arvo("contract", "validate", "a.json", "b.json", "--against", "old.json")
    assert done.code == 2
    assert "--against compares one document. Give one FILE." in done.err
