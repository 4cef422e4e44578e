import pytest

from services.voice_server.domain.record import CallRecord
from shared.events import ANONYMOUS
from tests.voice_server.domain.records import START, outbound, record


@pytest.mark.parametrize(
    ("call", "caller", "callee"),
    [
        (record(), "+14155550123", "+14155550199"),
        (outbound(), "+14155550199", "+14155550123"),
        (record(number=None), ANONYMOUS, "+14155550199"),
    ],
)
def test_who_called_whom_follows_from_the_direction(call: CallRecord, caller: str, callee: str) -> None:
    assert (call.caller, call.callee) == (caller, callee)
    assert call.phone_number == (caller if call.direction == "inbound" else callee)


@pytest.mark.parametrize(
    ("call_sid", "rtc_id", "name"), [("CA1", "rtc_1", "CA1"), (None, "rtc_1", "rtc_1"), (None, None, None)]
)
def test_the_world_knows_a_call_by_twilios_id_if_it_has_one(
    call_sid: str | None, rtc_id: str | None, name: str | None
) -> None:
    assert record(call_sid=call_sid, rtc_id=rtc_id).call_id == name


def test_only_the_time_talked_counts_and_it_stops_at_the_end() -> None:
    assert record().duration_seconds(START + 60) == 0
    assert record(answered_at=START + 5).duration_seconds(START + 60) == 55
    assert record(answered_at=START + 5).duration_seconds(START) == 0
    assert record(answered_at=START + 5, ended_at=START + 20.4).duration_seconds(START + 60) == 15
