from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from services.voice_server.domain.reporter import next_event, partial
from shared.events import NoData, Speaker, TurnData
from tests.voice_server.domain.records import START, outbound, record

CALL = record(rtc_id="rtc_1", sequence=6)
TURN = TurnData(speaker=Speaker.CALLER, content="Hello", item_id="i1")


@given(at=st.floats(START, START + 10**9), sequence=st.integers(0, 10**6))
def test_an_event_is_named_by_its_call_its_number_and_its_moment(at: float, sequence: int) -> None:
    call = CALL.model_copy(update={"sequence": sequence})
    event = next_event(call, TURN, at)
    assert event == next_event(call, TURN, at)
    assert event.sequence == sequence + 1
    assert ULID.from_str(event.event_id).milliseconds == round(at * 1000)
    others = [(outbound(rtc_id="rtc_1", sequence=sequence, ref="other"), at), (call, at + 1)]
    others.append((call.model_copy(update={"sequence": sequence + 1}), at))
    assert event.event_id not in {next_event(other, TURN, moment).event_id for other, moment in others}


def test_an_event_says_whose_it_is_and_when_it_was() -> None:
    wire = next_event(CALL, NoData(), 1_795_356_191.204).model_dump(mode="json")
    del wire["eventId"]
    assert wire == {
        "callId": "rtc_1",
        "sequence": 7,
        "eventType": "call_answered",
        "phoneNumber": "+14155550123",
        "direction": "inbound",
        "timestamp": "2026-11-22T14:03:11.204Z",
        "data": {},
    }


def test_a_withheld_number_stays_withheld() -> None:
    assert next_event(record(rtc_id="rtc_1", number=None), TURN, START).phone_number == "anonymous"


def test_what_was_said_so_far_has_no_number_and_changes_its_name_as_it_grows() -> None:
    event = partial(CALL, TURN, START)
    grown = partial(CALL, TURN.model_copy(update={"content": "Hello there"}), START)
    assert "sequence" not in event.model_dump()
    assert event.event_id != grown.event_id
