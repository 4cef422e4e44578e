from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.transcript import in_order


@given(st.permutations(range(8)))
def test_turns_published_in_any_order_end_up_in_the_order_they_were_spoken(order: list[int]) -> None:
    published: list[dict[str, Any]] = []
    for place in order:
        before = [int(turn["itemId"]) for turn in published if int(turn["itemId"]) < place]
        previous = str(max(before)) if before else None
        published.append({"itemId": str(place), "previousItemId": previous})
    assert [turn["itemId"] for turn in in_order(published)] == [str(place) for place in range(8)]


def test_a_turn_behind_an_unknown_one_goes_to_the_end() -> None:
    turns: list[dict[str, Any]] = [
        {"itemId": "a", "previousItemId": None},
        {"itemId": "b", "previousItemId": "a"},
        {"itemId": "c", "previousItemId": "never heard of"},
    ]
    assert in_order(turns) == turns
    assert in_order([]) == []
