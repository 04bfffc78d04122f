"""Subjects come back as they were made, children know their parents, and strangers' subjects are bounded."""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvo.errors import InvalidSubject
from arvo.events import Subject
from tests.unit.events.strategies import any_texts, domains, event_types, texts, versions

metas = st.dictionaries(any_texts, any_texts, max_size=4)
execution_ids = texts.filter(lambda text: text != "" and ";" not in text)
subjects = st.builds(
    Subject.new,
    name=event_types,
    version=versions,
    initiator=event_types,
    domain=st.none() | domains,
    meta=st.none() | metas,
    execution_id=st.none() | execution_ids,
)


def _packed(content: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()


def _content(**changes: Any) -> dict[str, Any]:
    execution = {"id": "1", "initiator": "com.a.b", "domain": None}
    return {"orchestrator": {"name": "arvo.orc.a", "version": "1.0.0"}, "execution": execution, "meta": {}, **changes}


@given(subjects)
def test_a_subject_comes_back_as_it_was_made(subject: Subject) -> None:
    parsed = Subject.parse(subject.encode())
    assert parsed == subject
    assert hash(parsed) == hash(subject)
    assert parsed.encode() == subject.encode()


@given(subjects, event_types, versions, metas)
def test_a_child_is_initiated_by_its_parent(parent: Subject, name: str, version: str, meta: dict[str, str]) -> None:
    child = parent.child(name=name, version=version, meta=meta)
    assert (child.name, child.version, child.initiator, child.domain) == (name, version, parent.name, parent.domain)
    assert child.meta == {**parent.meta, **meta}
    assert child.execution_id != parent.execution_id


@given(subjects, st.none() | domains)
def test_a_child_can_be_given_any_domain_or_none(parent: Subject, domain: str | None) -> None:
    assert parent.child(name="arvo.orc.b", version="1.0.0", domain=domain).domain == domain


def test_unknown_keys_and_key_order_survive() -> None:
    content = {"later": [1, {"x": None}], **_content()}
    subject = Subject.parse(_packed(content))
    assert list(subject.content) == ["later", "orchestrator", "execution", "meta"]
    assert json.loads(zlib.decompress(base64.b64decode(subject.encode()))) == content


def test_nobody_changes_a_subject() -> None:
    subject = Subject.parse(_packed(_content(meta={"a": "b"})))
    with pytest.raises(TypeError):
        subject.meta["a"] = "c"  # type: ignore[index]
    with pytest.raises(TypeError, match="cannot be changed"):
        subject.content["meta"]["a"] = "c"
    with pytest.raises(AttributeError):
        subject.domain = "x"  # type: ignore[misc]


def test_what_is_wrong_is_named_part_by_part() -> None:
    with pytest.raises(InvalidSubject, match=r"orchestrator\.name: 'order' must be three") as refusal:
        Subject.new(name="order", version="1", initiator="com.a;b.c", domain="A", execution_id="")
    assert {issue.path for issue in refusal.value.issues} == {
        ("orchestrator", "name"),
        ("orchestrator", "version"),
        ("execution", "id"),
        ("execution", "initiator"),
        ("execution", "domain"),
    }


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ([], ()),
        (_content(orchestrator=[]), ("orchestrator",)),
        (_content(orchestrator={"name": 1, "version": "1.0.0"}), ("orchestrator", "name")),
        (_content(orchestrator={"name": "a.b.c", "version": None}), ("orchestrator", "version")),
        (_content(execution="x"), ("execution",)),
        (_content(execution={"id": 5, "initiator": "com.a.b"}), ("execution", "id")),
        (_content(execution={"id": "5", "initiator": "com.a.b", "domain": 5}), ("execution", "domain")),
        (_content(meta=None), ("meta",)),
        (_content(meta={"a": 1}), ("meta", "a")),
    ],
)
def test_content_of_another_kind_is_refused(content: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSubject) as read:
        Subject.parse(_packed(content))
    with pytest.raises(InvalidSubject) as made:
        Subject.from_content(content)
    assert [issue.path for issue in read.value.issues] == [issue.path for issue in made.value.issues] == [path]


@pytest.mark.parametrize(("meta", "path"), [({"a": b"x"}, ("meta", "a")), ({1: "x"}, ("meta",))])
def test_meta_of_anything_but_texts_is_refused(meta: Any, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidSubject) as refusal:
        Subject.new(name="a.b.c", version="1.0.0", initiator="a.b.c", meta=meta)
    assert [issue.path for issue in refusal.value.issues] == [path]


def test_content_that_is_no_json_is_refused() -> None:
    with pytest.raises(InvalidSubject, match="must be JSON"):
        Subject.from_content(_content(meta={"a": object()}))


def test_a_subject_too_large_to_be_read_is_not_made() -> None:
    subject = Subject.new(name="a.b.c", version="1.0.0", initiator="a.b.c", meta={"k": "x" * 70_000})
    with pytest.raises(InvalidSubject, match="65536") as refusal:
        subject.encode()
    assert refusal.value.issues[0].code == "too_large"


def test_the_largest_subject_is_read() -> None:
    def made(length: int) -> Subject:
        meta = {"k": "x" * length}
        return Subject.new(name="a.b.c", version="1.0.0", initiator="a.b.c", meta=meta, execution_id="1")

    room = 64 * 1024 - len(zlib.decompress(base64.b64decode(made(0).encode())))
    assert Subject.parse(made(room).encode()) == made(room)
    with pytest.raises(InvalidSubject):
        made(room + 1).encode()


def test_small_subjects_are_remembered_and_large_ones_are_not() -> None:
    small = Subject.new(name="a.b.c", version="1.0.0", initiator="a.b.c").encode()
    assert Subject.parse(small) is Subject.parse(small)
    for length in (5000, 50_000):
        meta = {"k": "x" * length, "l": "".join(map(str, range(length // 50)))}
        large = Subject.new(name="a.b.c", version="1.0.0", initiator="a.b.c", meta=meta).encode()
        assert Subject.parse(large) == Subject.parse(large)
        assert Subject.parse(large) is not Subject.parse(large)


@given(any_texts, st.integers(0, 2000))
def test_subjects_are_compressed_to_the_bytes_of_zlib(text: str, length: int) -> None:
    subject = Subject.new(name="a.b.c", version="1.0.0", initiator="a.b.c", meta={"k": (text * length)[:length]})
    packed = base64.b64decode(subject.encode())
    assert packed == zlib.compress(zlib.decompress(packed))


def _bomb(megabytes: int) -> str:
    compressor = zlib.compressobj(9)
    block = b" " * 1_000_000
    # After a full flush a block stands for itself, so that one is as good as a thousand.
    first = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    other = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    return base64.b64encode(first + other * (megabytes - 1)).decode()


@pytest.mark.parametrize("megabytes", [1000, 90, 1])
def test_a_bomb_is_refused_at_once(megabytes: int) -> None:
    bomb = _bomb(megabytes)
    # The time of this thread alone, which does not depend on what else the machine does.
    started = time.thread_time()
    with pytest.raises(InvalidSubject, match=r"inflates to more|characters long"):
        Subject.parse(bomb)
    assert time.thread_time() - started < 0.05


def test_many_small_members_are_refused_at_once() -> None:
    members = base64.b64encode(zlib.compress(b"") * 12_000).decode()
    started = time.thread_time()
    with pytest.raises(InvalidSubject, match="members"):
        Subject.parse(members)
    assert time.thread_time() - started < 0.05


@given(any_texts | st.binary(max_size=80).map(lambda raw: base64.b64encode(zlib.compress(raw)).decode()))
def test_any_other_text_is_no_subject(text: str) -> None:
    with pytest.raises(InvalidSubject) as refusal:
        Subject.parse(text)
    assert refusal.value.issues


@given(subjects, st.integers(0), st.characters())
def test_a_damaged_subject_is_refused_or_read(subject: Subject, position: int, character: str) -> None:
    text = subject.encode()
    at = position % len(text)
    try:
        Subject.parse(text[:at] + character + text[at + 1 :])
    except InvalidSubject as refusal:
        assert refusal.issues  # noqa: PT017


@pytest.mark.parametrize(
    "raw", [b"[" * 60_000, b'{"a":' * 12_000, b"1" * 60_000, b"\xff" * 100, b"NaN", b'{"a":1e999}']
)
def test_hostile_content_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidSubject):
        Subject.parse(base64.b64encode(zlib.compress(raw)).decode())
