from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voice_server.domain.policy import DestinationRefusedError, TooManyCallsError
from services.voice_server.domain.quotas import DAY_SECONDS, HOUR_SECONDS, Caps, Quotas, Window
from services.voice_server.domain.record import CallRecord, Phase
from shared.events import Usage
from tests.voice_server.domain.records import START, outbound, record

NUMBER, LISTED = "+14155550123", "+14155550199"


def quotas(**changes: Any) -> Quotas:
    values: dict[str, Any] = {
        "calls_per_hour": 60,
        "calls_per_number_per_day": 60,
        "minutes_per_day": 1000,
        "dollars_per_day": 1000,
    }
    return Quotas(Caps(**values | changes), frozenset({LISTED}))


def talked(seconds: float, *, until: float = START, **changes: Any) -> CallRecord:
    return record(Phase.ENDED, answered_at=until - seconds, ended_at=until, **changes)


def refusal(check: Any, *values: Any) -> TooManyCallsError:
    with pytest.raises(TooManyCallsError) as caught:
        check(*values)
    return caught.value


amounts = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=30)


@given(amounts, st.integers(1, 60), st.integers(1, 40), st.integers(0, 40), st.integers(0, 100))
def test_whoever_waits_as_long_as_told_is_served_and_not_a_second_earlier(
    added: list[tuple[int, int]], seconds: int, most: int, more: int, pause: int
) -> None:
    moments = list(accumulate(gap for gap, _ in added))
    now = (moments[-1] if moments else 0) + pause

    def wait(later: int, running: int) -> int:
        window = Window(seconds)
        for at, (_, amount) in zip(moments, added, strict=True):
            window.add(at, amount)
        if running:
            window.add(now, running)
        return window.wait_seconds(most, now + later)

    window = Window(seconds)
    for at, (_, amount) in zip(moments, added, strict=True):
        window.add(at, amount)
    told = window.wait_seconds(most, now, more)
    assert 0 <= told <= seconds
    assert wait(told, more) == 0
    assert told == 0 or wait(told - 1, more) > 0


def test_the_call_after_the_last_of_the_hour_may_be_placed_when_the_first_is_an_hour_old() -> None:
    counted = quotas(calls_per_hour=2)
    for at in (START, START + 100):
        counted.check_dialling(NUMBER, at)
        counted.dialled(NUMBER, at)
    refused = refusal(counted.check_dialling, NUMBER, START + 600.5)
    assert (refused.retry_after_seconds, "MAX_CALLS_PER_HOUR" in str(refused)) == (3000, True)
    counted.check_dialling(NUMBER, START + HOUR_SECONDS)


def test_one_number_is_called_so_often_a_day_and_others_still_may_be() -> None:
    counted = quotas(calls_per_number_per_day=2)
    for at in (START, START + 7200):
        counted.dialled(NUMBER, at)
    refused = refusal(counted.check_dialling, NUMBER, START + 7200)
    assert refused.retry_after_seconds == DAY_SECONDS - 7200
    assert "MAX_CALLS_PER_NUMBER_PER_DAY" in str(refused)
    counted.check_dialling("+14155550124", START + 7200)
    counted.check_dialling(NUMBER, START + DAY_SECONDS)


def test_dialling_through_a_range_of_numbers_is_noticed() -> None:
    counted = quotas(calls_per_hour=30)
    for serial in range(10):
        number = f"+14155550{serial:03}"
        counted.check_dialling(number, START)
        counted.dialled(number, START)
    with pytest.raises(
        DestinationRefusedError, match=r"10 numbers from \+1415555000[0-9 a-z+]+ .*OUTBOUND_NUMBERS"
    ):
        counted.check_dialling("+14155550010", START + 1)
    for allowed in (LISTED[:-2] + "00", "+14155550009", "+14155551010", "+4155550010"):
        counted.check_dialling(allowed, START + 1)
    counted.check_dialling("+14155550010", START + HOUR_SECONDS)


def test_numbers_that_are_listed_are_in_nobodys_range() -> None:
    counted = quotas(calls_per_hour=30)
    for serial in range(10):
        counted.dialled(f"+141555501{serial:02}", START)
    counted.check_dialling(LISTED, START)
    with pytest.raises(DestinationRefusedError):
        counted.check_dialling("+14155550198", START)


def test_the_days_minutes_are_those_of_both_directions_and_of_running_calls() -> None:
    counted = quotas(minutes_per_day=10)
    counted.ended(talked(240))
    running = outbound(Phase.TALKING, answered_at=START)
    counted.check_spending([running], START + 359)
    refused = refusal(counted.check_spending, [running], START + 360)
    assert (refused.retry_after_seconds, "MAX_MINUTES_PER_DAY" in str(refused)) == (DAY_SECONDS - 360, True)


def test_the_days_dollars_are_what_the_calls_have_cost_so_far() -> None:
    counted = quotas(dollars_per_day=100)
    counted.ended(talked(1, cost_usd=64.0))
    counted.check_spending([], START)
    refused = refusal(counted.check_spending, [record(cost_usd=64.0)], START + 60)
    assert (refused.retry_after_seconds, "MAX_DOLLARS_PER_DAY" in str(refused)) == (DAY_SECONDS - 60, True)


def test_a_call_whose_price_is_not_known_counts_its_minutes_alone() -> None:
    counted = quotas(dollars_per_day=0.01)
    counted.ended(talked(60, cost_usd=None, usage=Usage(output_audio_tokens=1_000_000)))
    counted.check_spending([], START)


def test_a_call_that_was_never_answered_costs_nothing() -> None:
    counted = quotas(minutes_per_day=1)
    counted.ended(record(Phase.ENDED, ended_at=START))
    counted.ended(record(Phase.TALKING, answered_at=START - 9999))
    counted.check_spending([], START)


def test_what_is_found_at_a_start_counts_as_if_it_had_just_been_seen() -> None:
    counted = quotas(calls_per_hour=2, minutes_per_day=10)
    counted.remember(
        [
            outbound(Phase.ENDED, started_at=START, number=NUMBER, answered_at=START, ended_at=START + 900),
            talked(60, until=START + 100),
            outbound(Phase.DIALLING, started_at=START + 50, number=NUMBER),
        ]
    )
    assert refusal(counted.check_dialling, NUMBER, START + 900).retry_after_seconds == 2700
    assert refusal(counted.check_spending, [], START + 900).retry_after_seconds == DAY_SECONDS
