"""Machine memories that break one promise each about records and writes, and the checks that must notice."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from arvo.errors import BackendError
from arvo.ports.machine_memory import StaleWriteError
from arvo.ports.records import check_previous, decode_record, encode_record
from tests.unit.testing.reference_memory import ReferenceMemory, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from arvo.testing import ShiftableClock
    from arvo.testing.machine_memory import StoreFaults


class FindsSomethingEverywhere(ReferenceMemory):
    async def read(self, id: str) -> dict[str, Any] | None:
        return await super().read(id) or {}


class TakesEmptyForNothing(ReferenceMemory):
    async def read(self, id: str) -> dict[str, Any] | None:
        return await super().read(id) or None


class KeepsNumbersAsDoubles(ReferenceMemory):
    def decode(self, text: bytes) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text, parse_int=lambda digits: int(float(digits)))
        return found


class SortsMembers(ReferenceMemory):
    def encode(self, data: Mapping[str, Any]) -> bytes:
        encode_record(data)
        return json.dumps(data, sort_keys=True).encode()


class DropsWhatIsNotAscii(ReferenceMemory):
    def encode(self, data: Mapping[str, Any]) -> bytes:
        return encode_record(data).decode().encode("ascii", "ignore")


class CutsIdsAtNul(ReferenceMemory):
    def record_key(self, id: str) -> str:
        return id.partition("\0")[0]


class RefusesLargeRecords(ReferenceMemory):
    async def put(self, key: str, text: bytes) -> None:
        if len(text) > 64_000:
            raise BackendError("too large")
        await super().put(key, text)


class IgnoresCaseOfIds(ReferenceMemory):
    def record_key(self, id: str) -> str:
        return id.lower()


class KeepsWhatItWasGiven(ReferenceMemory):
    def __init__(self, store: Store, clock: ShiftableClock, faults: StoreFaults) -> None:
        super().__init__(store, clock, faults)
        self.given: dict[bytes, dict[str, Any]] = {}

    def encode(self, data: Mapping[str, Any]) -> bytes:
        text = encode_record(data)
        self.given[text] = dict(data)
        return text

    def decode(self, text: bytes) -> dict[str, Any]:
        return decode_record(encode_record(self.given[text])) if text in self.given else decode_record(text)


class HandsOutOneCopy(ReferenceMemory):
    def __init__(self, store: Store, clock: ShiftableClock, faults: StoreFaults) -> None:
        super().__init__(store, clock, faults)
        self.decoded: dict[bytes, dict[str, Any]] = {}

    def decode(self, text: bytes) -> dict[str, Any]:
        return self.decoded.setdefault(text, decode_record(text))


class AcceptsEmptyNames(ReferenceMemory):
    def check(self, *, id: str, holder: str = "-") -> None:
        pass


class StoresWhatItCan(ReferenceMemory):
    def encode(self, data: Mapping[str, Any]) -> bytes:
        return json.dumps(data, default=repr, allow_nan=False).encode()


class RefusesEveryReplacement(ReferenceMemory):
    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        if stored is not None:
            raise StaleWriteError(id, expected_none=previous is None, found_none=False)
        check_previous(id, stored, previous)


class ComparesTexts(ReferenceMemory):
    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        if stored != previous:
            raise StaleWriteError(id, expected_none=previous is None, found_none=stored is None)


class LetsTheLastWriteWin(ReferenceMemory):
    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        if stored is None or previous is None:
            check_previous(id, stored, previous)


class OverwritesWhenNothingIsExpected(ReferenceMemory):
    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        if previous is not None:
            check_previous(id, stored, previous)


class CreatesWhenSomethingIsExpected(ReferenceMemory):
    def compare(self, id: str, stored: bytes | None, previous: bytes | None) -> None:
        if stored is not None:
            check_previous(id, stored, previous)


class PausesBetweenComparingAndWriting(ReferenceMemory):
    async def put(self, key: str, text: bytes) -> None:
        await asyncio.sleep(0)
        await super().put(key, text)


class WritesInTwoHalves(ReferenceMemory):
    async def put(self, key: str, text: bytes) -> None:
        await super().put(key, b'{"half":true}')
        await asyncio.sleep(0)
        await super().put(key, text)


class KeepsRecordsToItself(ReferenceMemory):
    def __init__(self, store: Store, clock: ShiftableClock, faults: StoreFaults) -> None:
        super().__init__(Store(locks=store.locks), clock, faults)


BROKEN_RECORDS: list[tuple[type[ReferenceMemory], str]] = [
    (FindsSomethingEverywhere, "unknown_id_reads_none"),
    (TakesEmptyForNothing, "empty_record_is_a_record"),
    (KeepsNumbersAsDoubles, "read_returns_what_was_written"),
    (SortsMembers, "order_of_members_is_kept"),
    (DropsWhatIsNotAscii, "unicode_survives"),
    (CutsIdsAtNul, "ids_are_isolated"),
    (RefusesLargeRecords, "megabyte_record_survives"),
    (IgnoresCaseOfIds, "ids_are_isolated"),
    (KeepsWhatItWasGiven, "written_data_is_copied"),
    (HandsOutOneCopy, "read_data_is_copied"),
    (AcceptsEmptyNames, "empty_names_are_refused"),
    (StoresWhatItCan, "data_that_is_not_json_is_refused"),
    (RefusesEveryReplacement, "current_previous_is_accepted"),
    (ComparesTexts, "previous_is_compared_by_value"),
    (LetsTheLastWriteWin, "stale_write_is_refused"),
    (OverwritesWhenNothingIsExpected, "write_from_nothing_needs_nothing_there"),
    (CreatesWhenSomethingIsExpected, "write_from_something_needs_something_there"),
    (PausesBetweenComparingAndWriting, "no_update_is_lost"),
    (PausesBetweenComparingAndWriting, "one_of_many_creations_succeeds"),
    (WritesInTwoHalves, "cancelled_write_is_whole_or_absent"),
    (KeepsRecordsToItself, "peer_sees_writes"),
]
