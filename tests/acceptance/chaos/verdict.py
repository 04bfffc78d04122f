"""Compares what is left of a chaos run with the same requests in peace, and looks for what must not be in its log."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.acceptance.chaos.ledger import Closed
from tests.acceptance.chaos.witness import maker_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from arvo.events import Event
    from tests.acceptance.chaos.run import Outcome
    from tests.acceptance.chaos.witness import Note

__all__ = ["figures", "wrongs"]


def wrongs(outcome: Outcome, quiet: Outcome) -> list[str]:
    """Everything that is not as it should be, empty when nothing was lost, doubled, stuck, overlapping or late."""
    return [
        *_wrong_answers(outcome, quiet),
        *(f"left: {what}" for what in outcome.left),
        *_differences("workflows", outcome.workflows, quiet.workflows),
        *_differences("deliveries", deliveries(outcome.notes), deliveries(quiet.notes)),
        *_doubled(outcome),
        *_overlapping(outcome),
        *_out_of_order(outcome),
    ]


def figures(outcome: Outcome) -> Counter[str]:
    """What was done, and how much of it twice."""
    runs = sum(note.what == "begin" for note in outcome.notes)
    done = sum(deliveries(outcome.notes).values())
    return outcome.faults + Counter(
        {
            "workflows": outcome.workflows.total(),
            "answers": sum(count for answers in outcome.answers.values() for _, count in answers),
            "deliveries": done,
            "runs that came to nothing and were made again": runs - done,
            "commits refused": sum("was refused" in note.text for note in outcome.notes),
        }
    )


def deliveries(notes: Sequence[Note]) -> Counter[tuple[str, str]]:
    """How many events each handler took for each request; one that was begun several times counts once."""
    return Counter(
        (root, handler)
        for root, handler, _ in {(note.root, note.handler, note.event) for note in notes if note.what == "begin"}
    )


def _wrong_answers(outcome: Outcome, quiet: Outcome) -> Iterator[str]:
    for root, expected in quiet.answers.items():
        found = outcome.answers.get(root, [])
        count = sum(count for _, count in found)
        if count != 1:
            yield f"{root}: {count} answers"
        elif _comparable(found[0][0]) != _comparable(expected[0][0]):
            yield f"{root}: answered {_comparable(found[0][0])} instead of {_comparable(expected[0][0])}"
    yield from (f"{root}: an answer that nobody asked for" for root in outcome.answers.keys() - quiet.answers.keys())


def _comparable(event: Event[Any]) -> tuple[str, dict[str, Any]]:
    """An answer without what depends on the order in which stock and card answered, or on who did the work.

    The number of a parcel is derived from the reply that came last; its depot is not.
    """
    data = dict(event.data)
    for name in ("posts", "turns"):
        data.pop(name, None)
    if "tracking" in data:
        data["tracking"] = [number.partition("-")[0] for number in data["tracking"]]
    return event.type, data


def _differences(what: str, found: Counter[tuple[str, str]], expected: Counter[tuple[str, str]]) -> Iterator[str]:
    for key in sorted(found.keys() | expected.keys()):
        if found[key] != expected[key]:
            yield f"{found[key]} {what} of {key} instead of {expected[key]}"


def _doubled(outcome: Outcome) -> Iterator[str]:
    """An event that came from two runs, or one event of which two runs were committed."""
    makers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for note in _begun(outcome):
        makers[note.lane, note.event].add(note.maker)
    yield from (f"event {event} was stored by runs {runs}" for (_, event), runs in makers.items() if len(runs) > 1)
    committed: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    known = _committed(outcome)
    for note in _begun(outcome):
        if note.run in known:
            committed[note.lane, note.event].append(note.run)
    yield from (f"runs {runs} of event {event} all count" for (_, event), runs in committed.items() if len(runs) > 1)


def _overlapping(outcome: Outcome) -> Iterator[str]:
    """Runs that count, of one handler and subject, at the same time."""
    known = _committed(outcome)
    ends = {note.run: note.at for note in outcome.notes if note.what == "end"}
    lanes: defaultdict[str, list[Note]] = defaultdict(list)
    for note in _begun(outcome):
        if note.run in known:
            lanes[note.lane].append(note)
    for lane in lanes.values():
        for first, second in pairwise(sorted(lane, key=lambda note: note.at)):
            if ends.get(first.run, float("inf")) > second.at:
                yield f"{first.handler}: runs {first.run} and {second.run} of one subject overlap"


def _out_of_order(outcome: Outcome) -> Iterator[str]:
    begun = {note.run: note for note in _begun(outcome)}
    for closed in _ledgers(outcome):
        if list(closed.numbers) != list(range(len(closed.numbers))):
            yield f"entries arrived as {closed.numbers}"
        for runs in (closed.posts, closed.turns):
            times = [begun[run].at for run in runs]
            if times != sorted(times) or len(set(runs)) < len(runs):
                yield f"runs {runs} of one subject were not made one after the other"


def _begun(outcome: Outcome) -> Iterator[Note]:
    return (note for note in outcome.notes if note.what == "begin")


def _committed(outcome: Outcome) -> set[str]:
    """The runs whose work is known to count: something that they emitted was met, or a ledger names them."""
    return {
        *(note.maker for note in _begun(outcome) if note.maker),
        *(maker_of(event) for answers in outcome.answers.values() for event, _ in answers),
        *(run for closed in _ledgers(outcome) for run in (*closed.posts, *closed.turns)),
    }


def _ledgers(outcome: Outcome) -> Iterator[Closed]:
    for answers in outcome.answers.values():
        for event, _ in answers:
            if event.type == "arvo.orc.ledger.done":
                yield Closed.model_validate_json(event.data_json)
