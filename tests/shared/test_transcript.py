from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.events import Speaker
from shared.transcript import Turn, in_order

AT = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)


def spoken(count: int) -> list[Turn]:
    return [
        Turn(str(place), Speaker.CALLER, f"turn {place}", AT, str(place - 1) if place else None)
        for place in range(count)
    ]


@given(st.permutations(spoken(8)))
def test_turns_published_in_any_order_end_up_in_the_order_they_were_spoken(published: list[Turn]) -> None:
    assert in_order(published) == spoken(8)


def test_turns_that_name_nobody_stay_as_they_came() -> None:
    turns = [replace(turn, previous_item_id=None) for turn in spoken(5)]
    assert in_order(turns) == turns
    assert in_order([]) == []


def test_a_turn_behind_one_that_was_never_published_goes_where_it_came() -> None:
    turns = spoken(4)
    turns[2] = replace(turns[2], previous_item_id="never published")
    assert in_order(turns) == turns


def test_of_two_turns_behind_the_same_one_the_later_was_put_between() -> None:
    first, second, third = spoken(3)
    third = replace(third, previous_item_id=first.item_id)
    assert in_order([first, third, second]) == [first, second, third]


def test_a_turn_published_twice_stands_there_once() -> None:
    (turn,) = spoken(1)
    assert in_order([turn, turn]) == [turn]


@given(st.integers(0, 8), st.data())
def test_no_turn_is_lost_whatever_it_names_as_the_one_before(count: int, data: st.DataObject) -> None:
    names = st.sampled_from([None, "unknown", *(str(place) for place in range(count))])
    tangled = [replace(turn, previous_item_id=data.draw(names)) for turn in spoken(count)]
    assert sorted(turn.item_id for turn in in_order(tangled)) == [str(place) for place in range(count)]
