"""The order of one handler's events, against a model that is too slow to be used."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from arvo.runtime.subject_queue import SubjectQueue


def test_items_of_different_subjects_are_taken_in_order_of_arrival() -> None:
    queue = SubjectQueue[int]()
    for item in range(5):
        queue.put(f"s{item}", item)
    assert [queue.take() for _ in range(6)] == [0, 1, 2, 3, 4, None]


def test_an_item_waits_until_its_subject_is_released_and_then_goes_before_later_arrivals() -> None:
    queue = SubjectQueue[str]()
    queue.put("a", "a1")
    queue.put("a", "a2")
    queue.put("b", "b1")
    queue.put("c", "c1")
    assert [queue.take(), queue.take()] == ["a1", "b1"]
    queue.release("a")
    assert [queue.take(), queue.take(), queue.take()] == ["a2", "c1", None]


def test_returned_items_are_taken_again_before_all_untried_ones_in_order_of_return() -> None:
    queue = SubjectQueue[str]()
    for name in ("a", "b", "c"):
        queue.put(name, name)
    assert [queue.take(), queue.take()] == ["a", "b"]
    queue.put_back("b")
    queue.put_back("a")
    assert [queue.take(), queue.take(), queue.take()] == ["b", "a", "c"]


def test_subjects_without_items_leave_nothing_behind() -> None:
    queue = SubjectQueue[int]()
    for item in range(1000):
        queue.put(f"s{item % 300}", item)
    assert queue.subjects == 300
    for _ in range(1000):
        taken = queue.take()
        assert taken is not None
        queue.release(f"s{taken % 300}")
    assert queue.subjects == 0


@settings(deadline=None)
@given(st.data())
def test_it_behaves_like_a_list_searched_for_the_first_free_subject(data: st.DataObject) -> None:
    queue = SubjectQueue[tuple[str, int]]()
    waiting: list[tuple[str, int]] = []
    taken: dict[str, tuple[str, int]] = {}
    for number in range(data.draw(st.integers(1, 60))):
        match data.draw(st.sampled_from(["put", "take", "release", "put_back"])):
            case "put":
                item = (data.draw(st.sampled_from("abc")), number)
                queue.put(item[0], item)
                waiting.append(item)
            case "take":
                expected = next((item for item in waiting if item[0] not in taken), None)
                assert queue.take() == expected
                if expected is not None:
                    waiting.remove(expected)
                    taken[expected[0]] = expected
            case "release" if taken:
                subject = data.draw(st.sampled_from(sorted(taken)))
                queue.release(subject)
                del taken[subject]
            case "put_back" if len(taken) == 1:
                # With one item out, "before all others" is the same as "where it was".
                (item,) = taken.values()
                queue.put_back(item)
                waiting.insert(0, item)
                taken.clear()
            case _:
                pass
        assert queue.subjects == len({item[0] for item in (*waiting, *taken.values())})
