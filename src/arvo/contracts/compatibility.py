"""Whether a contract can replace an older one without breaking those who send to it or listen to it.

Compares JSON Schemas, so it works for contracts of other languages as well. Senders must be able to go on sending what
they send: what is accepted may only grow. Listeners must be able to read what they get: what is emitted only shrink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from arvo.contracts.exchange import accepted_schema
from arvo.contracts.schema_export import schema_of
from arvo.contracts.schema_relation import Side, differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from arvo.contracts.contract import Contract
    from arvo.contracts.documents import Path
    from arvo.contracts.version import ContractVersion

__all__ = ["Finding", "compare_contracts", "compare_versions"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference between an older and a newer contract, and whether somebody is broken by it."""

    is_breaking: bool
    path: Path
    message: str

    def __str__(self) -> str:
        where = ".".join(map(str, self.path))
        return f"{'breaking' if self.is_breaking else 'compatible'}: {where}: {self.message}"


def compare_contracts(older: Contract, newer: Contract) -> list[Finding]:
    """What changed from one state of a contract to another, the breaking changes first."""
    found: list[Finding] = []
    for name in ("uri", "type", "domain"):
        before, after = getattr(older, name), getattr(newer, name)
        if before != after:
            found.append(Finding(True, (name,), f"was {before!r}, is {after!r}: events no longer find their way"))
    for number, version in older.versions.items():
        if number in newer.versions:
            found += compare_versions(version, newer.versions[number])
        else:
            found.append(Finding(True, (number,), "this version is gone, and with it everybody who still sends it"))
    for number in newer.versions:
        if number not in older.versions:
            found.append(Finding(False, (number,), "this version is new"))
    return _sorted(found)


def compare_versions(older: ContractVersion[Any, Any], newer: ContractVersion[Any, Any]) -> list[Finding]:
    """What changed from one version to another, or within one, the breaking changes first."""
    accepts = Side(accepted_schema(older), "older"), Side(accepted_schema(newer), "newer")
    found = list(_findings(*accepts, (newer.version, "accepts")))
    before, after = _emitted(older, "older"), _emitted(newer, "newer")
    for event_type in before.keys() | after.keys():
        path = (newer.version, "emits", event_type)
        if event_type not in after:
            found.append(Finding(False, path, "it is not emitted any more"))
        elif event_type not in before:
            found.append(Finding(True, path, "it is new, and whoever handles all answers does not know it"))
        else:
            found += _findings(after[event_type], before[event_type], path)
    return _sorted(found)


def _findings(narrow: Side, wide: Side, path: Path) -> Iterator[Finding]:
    """Both directions: what does not fit is breaking, what would not have fitted the other way round is not."""
    seen: set[Path] = set()
    for is_breaking, (one, other) in ((True, (narrow, wide)), (False, (wide, narrow))):
        for difference in differences(one, other):
            if difference.path not in seen:
                seen.add(difference.path)
                is_refused = is_breaking and difference.is_refused
                yield Finding(is_refused, (*path, *difference.path), difference.message)


def _emitted(version: ContractVersion[Any, Any], name: str) -> dict[str, Side]:
    return {kind: Side(schema_of(each), name, fills_defaults=True) for each, kind in version.emit_types.items()}


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (not finding.is_breaking, tuple(map(str, finding.path))))
