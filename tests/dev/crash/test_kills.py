"""The crash test's own look at what the agent remembers."""

import random

from hypothesis import given
from hypothesis import strategies as st

from dev.crash.kills import wrong
from dev.crash.outbox import Caller

TYPED = ("user", "typed")


def called(calls: int) -> Caller:
    caller = Caller("+14155550100", random.Random(calls))
    for _ in range(calls):
        list(caller.call())
    return caller


@given(st.integers(1, 4), st.data())
def test_every_turn_once_in_order_is_right_whatever_is_typed_between(calls: int, data: st.DataObject) -> None:
    caller = called(calls)
    turns = [turn for said in caller.said.values() for turn in said]
    among = [part for turn in turns for part in (*[TYPED] * data.draw(st.integers(0, 2)), turn)]
    cut = data.draw(st.integers(0, len(among)))
    assert wrong([among[:cut], among[cut:]], [caller]) == []


@given(st.data())
def test_one_turn_lost_doubled_or_elsewhere_is_wrong(data: st.DataObject) -> None:
    caller = called(1)
    said = next(iter(caller.said.values()))
    one = data.draw(st.sampled_from(said))
    others = [turn for turn in said if turn != one]
    assert wrong([others], [caller]) == [f"lost: {one}"]
    assert f"doubled: {one}" in wrong([said, [one]], [caller])
    if others:
        assert wrong([said[::-1]], [caller]) == [f"out of order: {said[0]}"]
