from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from shared.rate import Rate

gaps = st.lists(st.floats(0, 40), max_size=60)


@given(st.integers(1, 20), gaps, st.floats(0, 1e6))
def test_whoever_waits_as_long_as_told_may_and_not_a_second_earlier(
    per_minute: int, pauses: list[float], begin: float
) -> None:
    rate, now = Rate(per_minute), begin
    for now in accumulate(pauses, initial=begin):
        wait = rate.wait_seconds("a", now)
        assert rate.wait_seconds("a", now + wait) == 0
        assert wait == 0 or rate.wait_seconds("a", now + wait - 1) == 1
        if not wait:
            rate.count("a", now)


@given(st.integers(1, 20), st.floats(0, 1e6))
def test_a_minutes_worth_may_be_used_at_once_and_comes_back_evenly(per_minute: int, begin: float) -> None:
    rate = Rate(per_minute)
    for _ in range(per_minute):
        assert rate.wait_seconds("a", begin) == 0
        rate.count("a", begin)
    assert 0 < rate.wait_seconds("a", begin) <= 60
    later = begin + 60 / per_minute + 1e-5
    assert rate.wait_seconds("a", later) == 0
    rate.count("a", later)
    assert rate.wait_seconds("a", later) > 0


def test_names_do_not_count_for_each_other() -> None:
    rate = Rate(1)
    rate.count("a", 0)
    assert (rate.wait_seconds("a", 0), rate.wait_seconds("b", 0)) == (60, 0)


def test_no_more_names_are_remembered_than_agreed_and_the_latest_are() -> None:
    rate = Rate(1, names=100)
    for number in range(1000):
        rate.count(str(number), 0)
        rate.count("busy", 0)
    assert len(rate._forgotten_at) == 100
    assert (rate.wait_seconds("0", 0), rate.wait_seconds("999", 0) > 0) == (0, True)
    assert rate.wait_seconds("busy", 0) > 0
