"""Subjects cross between this package and the published npm packages; the 2.x line has no `execution.domain`."""

from __future__ import annotations

from typing import Any

from arvo.events import Subject
from tests.interop.generated import subjects
from tests.interop.node_packages import run_node

COUNT = 500


def content(subject: Subject) -> dict[str, Any]:
    return {
        "orchestrator": {"name": subject.name, "version": subject.version},
        "execution": {"id": subject.execution_id, "initiator": subject.initiator, "domain": subject.domain},
        "meta": dict(subject.meta),
    }


def content_of_2x(subject: Subject) -> dict[str, Any]:
    execution = {"id": subject.execution_id, "initiator": subject.initiator}
    return {**content(subject), "execution": execution}


def test_subjects_made_here_are_read_there(seed: int) -> None:
    ours = subjects(seed, COUNT)

    read = run_node("subjects.cjs", {"op": "read", "items": [subject.encode() for subject in ours]})

    assert read == [content(subject) for subject in ours]


def test_subjects_made_there_are_read_here_with_no_domain(seed: int) -> None:
    contents = [content_of_2x(subject) for subject in subjects(seed, COUNT)]

    theirs = run_node("subjects.cjs", {"op": "make", "items": contents})

    for text, expected in zip(theirs, contents, strict=True):
        subject = Subject.parse(text)
        assert content_of_2x(subject) == expected
        assert subject.domain is None


def test_children_made_there_of_parents_made_here_know_their_parent(seed: int) -> None:
    parents = subjects(seed, 100)
    items = [
        {"subject": parent.encode(), "name": "arvo.orc.child", "version": "2.0.0", "meta": {"step": "ship"}}
        for parent in parents
    ]

    children = run_node("subjects.cjs", {"op": "child", "items": items})

    for parent, text in zip(parents, children, strict=True):
        child = Subject.parse(text)
        assert (child.name, child.version, child.initiator) == ("arvo.orc.child", "2.0.0", parent.name)
        assert dict(child.meta) == {**parent.meta, "step": "ship"}


def test_children_made_here_of_parents_made_there_are_read_there(seed: int) -> None:
    contents = [content_of_2x(subject) for subject in subjects(seed, 100)]
    parents = run_node("subjects.cjs", {"op": "make", "items": contents})
    children = [Subject.parse(text).child(name="arvo.orc.child", version="2.0.0") for text in parents]

    read = run_node("subjects.cjs", {"op": "read", "items": [child.encode() for child in children]})

    assert read == [content(child) for child in children]
    assert [child.initiator for child in children] == [each["orchestrator"]["name"] for each in contents]
