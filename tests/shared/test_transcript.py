from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.events import ROOT, Speaker
from shared.transcript import Turn, in_order

AT = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)


def spoken(count: int) -> list[Turn]:
    return [
        Turn(str(place), Speaker.CALLER, f"turn {place}", AT, str(place - 1) if place else ROOT)
        for place in range(count)
    ]


@given(st.permutations(range(8)))
def test_turns_published_in_any_order_end_up_in_the_order_they_were_spoken(order: list[int]) -> None:
    published: list[Turn] = []
    for place in order:
        before = [int(turn.item_id) for turn in published if int(turn.item_id) < place]
        previous = str(max(before)) if before else ROOT
        published.append(replace(spoken(8)[place], previous_item_id=previous))
    assert [turn.item_id for turn in in_order(published)] == [str(place) for place in range(8)]


def test_turns_that_name_nobody_stay_as_they_came() -> None:
    turns = [replace(turn, previous_item_id=None) for turn in spoken(5)]
    assert in_order(turns) == turns
    assert in_order([]) == []


def test_a_turn_behind_an_unknown_one_goes_to_the_end() -> None:
    turns = spoken(4)
    turns[2] = replace(turns[2], previous_item_id="unknown")
    assert in_order(turns) == [turns[0], turns[1], turns[2], turns[3]]


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
