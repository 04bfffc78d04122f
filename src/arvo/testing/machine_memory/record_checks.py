"""Checks of reading and of what a record may be: values, copies, isolation, bad arguments."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, cast

from arvo.ports.machine_memory import InvalidRecordError
from arvo.testing.machine_memory.check import check_of, require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from arvo.testing.machine_memory.under_test import MemoryUnderTest

__all__ = ["RECORD_CHECKS"]

_EVERY_KIND_OF_VALUE: dict[str, Any] = {
    "text": "plain",
    "empty": "",
    "integer": 42,
    "beyond_double": 2**53 + 1,
    "beyond_64_bits": 2**70,
    "negative": -7,
    "fraction": 0.1,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": [1, [2, [3, []]], {}],
    "object": {"deep": {"deeper": {"deepest": [None]}}},
    "": "a member without a name",
    "$ref": "#/not/special",
}
_ODD_TEXTS = (
    "Grüße, Ελλάδα, 漢字, עברית",
    "👩‍👩‍👧‍👦 🏳️‍🌈 beyond the basic plane",
    "NUL \x00 and control \x01\x1f\x7f",
    "line\nbreaks\r\n and separators \u2028\u2029",
    "quotes ' \" ` and \\ backslash",
    "e\u0301 is not \u00e9",
    "\ufeff byte order mark",
)
_LOOK_ALIKES = (
    "order",
    "Order",
    "order ",
    " order",
    "order/1",
    "order/1/",
    "order%",
    "order_",
    "orde?",
    "order\u0000",
    "order\u00e9",
    "ordere\u0301",
    "../order",
    "order'; DROP TABLE records; --",
    "x" * 2000,
    "x" * 1999 + "y",
)


async def unknown_id_reads_none(subject: MemoryUnderTest) -> None:
    """Reading an id under which nothing was written returns None."""
    found = await subject.memory.read("nobody-wrote-this")
    require(found is None, f"read returned {found!r}")


async def read_returns_what_was_written(subject: MemoryUnderTest) -> None:
    """A record reads back equal to what was written, each value with its own type."""
    await subject.memory.write("values", deepcopy(_EVERY_KIND_OF_VALUE), None)
    found = await _read(subject, "values")
    for name, value in _EVERY_KIND_OF_VALUE.items():
        require(name in found, f"member {name!r} is gone")
        same = found[name] == value and type(found[name]) is type(value)
        require(same, f"member {name!r} was written as {value!r} and read as {found[name]!r}")
    require(len(found) == len(_EVERY_KIND_OF_VALUE), f"members appeared: {set(found) - set(_EVERY_KIND_OF_VALUE)}")


async def empty_record_is_a_record(subject: MemoryUnderTest) -> None:
    """An empty object is a record like any other, not the absence of one."""
    await subject.memory.write("empty", {}, None)
    found = await subject.memory.read("empty")
    require(found == {}, f"an empty record was read as {found!r}")


async def order_of_members_is_kept(subject: MemoryUnderTest) -> None:
    """Members read back in the order in which they were written."""
    written = {"zebra": 1, "ant": {"second": 2, "first": 1}, "10": 0, "9": 0, "mouse": 3}
    await subject.memory.write("ordered", written, None)
    found = await _read(subject, "ordered")
    require(list(found) == list(written), f"{list(written)} was read as {list(found)}")
    require(list(found["ant"]) == ["second", "first"], f"a nested object was read as {list(found['ant'])}")


async def unicode_survives(subject: MemoryUnderTest) -> None:
    """Any Unicode text survives, in values, in names of members and in ids."""
    for text in _ODD_TEXTS:
        await subject.memory.write(text, {text: text}, None)
    for text in _ODD_TEXTS:
        found = await subject.memory.read(text)
        require(found == {text: text}, f"{text!r} was read as {found!r}")


async def megabyte_record_survives(subject: MemoryUnderTest) -> None:
    """A record of one megabyte survives, and can be replaced."""
    big = {"lines": [f"{number:05d} ünïcode and more, and more of it" for number in range(26_000)]}
    await subject.memory.write("big", big, None)
    require(await subject.memory.read("big") == big, "a record of 1 MB was not read as it was written")
    await subject.memory.write("big", {"lines": []}, big)
    require(await subject.memory.read("big") == {"lines": []}, "a record of 1 MB was not replaced")


async def ids_are_isolated(subject: MemoryUnderTest) -> None:
    """Ids are compared exactly: what happens under one never shows under another."""
    for number, id_ in enumerate(_LOOK_ALIKES):
        require(await subject.memory.read(id_) is None, f"{id_[:60]!r} had a record before it was written")
        await subject.memory.write(id_, {"number": number}, None)
    for number, id_ in enumerate(_LOOK_ALIKES):
        found = await subject.memory.read(id_)
        require(found == {"number": number}, f"{id_[:60]!r} held {found!r} instead of the record written under it")


async def written_data_is_copied(subject: MemoryUnderTest) -> None:
    """Changing the data after it was written changes nothing in the store."""
    data: dict[str, Any] = {"items": [1], "nested": {"a": 1}}
    await subject.memory.write("copied", data, None)
    data["items"].append(2)
    data["nested"]["a"] = 2
    data["new"] = True
    found = await subject.memory.read("copied")
    require(found == {"items": [1], "nested": {"a": 1}}, f"the store then held {found!r}")


async def read_data_is_copied(subject: MemoryUnderTest) -> None:
    """Changing the data that was read changes nothing in the store, nor what others have read."""
    original = {"items": [1], "nested": {"a": 1}}
    await subject.memory.write("copied", original, None)
    first, second = await _read(subject, "copied"), await _read(subject, "copied")
    first["items"].append(2)
    first["nested"]["a"] = 2
    require(second == original, f"another reader then had {second!r}")
    third = await subject.memory.read("copied")
    require(third == original, f"the store then held {third!r}")


async def empty_names_are_refused(subject: MemoryUnderTest) -> None:
    """An empty id or holder raises InvalidRecordError."""
    memory = subject.memory
    await _require_refused(memory.read(""), "read('')")
    await _require_refused(memory.write("", {"a": 1}, None), "write('', ...)")
    await _require_refused(memory.lock("", "holder"), "lock('', ...)")
    await _require_refused(memory.unlock("", "holder"), "unlock('', ...)")
    await _require_refused(memory.lock("id", ""), "lock(..., '')")
    await _require_refused(memory.unlock("id", ""), "unlock(..., '')")


async def data_that_is_not_json_is_refused(subject: MemoryUnderTest) -> None:
    """Data that JSON cannot carry unchanged raises InvalidRecordError, and nothing is stored."""
    for wrong in ({"a": float("nan")}, {"a": float("inf")}, {"a": object()}, {"a": b"bytes"}, {"a": {1: "key"}}, None):
        data = cast("Mapping[str, Any]", wrong)
        await _require_refused(subject.memory.write("wrong", data, None), f"write(..., {wrong!r}, None)")
    found = await subject.memory.read("wrong")
    require(found is None, f"{found!r} was stored")


async def _require_refused(call: Awaitable[object], description: str) -> None:
    try:
        await call
    except InvalidRecordError:
        return
    require(False, f"{description} was accepted")


async def _read(subject: MemoryUnderTest, id: str) -> dict[str, Any]:
    found = await subject.memory.read(id)
    require(found is not None, f"nothing was found under {id!r} right after it was written")
    return cast("dict[str, Any]", found)


RECORD_CHECKS = (
    check_of(unknown_id_reads_none),
    check_of(read_returns_what_was_written),
    check_of(empty_record_is_a_record),
    check_of(order_of_members_is_kept),
    check_of(unicode_survives),
    check_of(megabyte_record_survives),
    check_of(ids_are_isolated),
    check_of(written_data_is_copied),
    check_of(read_data_is_copied),
    check_of(empty_names_are_refused),
    check_of(data_that_is_not_json_is_refused),
)
