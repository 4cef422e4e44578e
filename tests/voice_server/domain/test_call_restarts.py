"""Gaps, restarts, legs that will not be hung up, and calls gone quiet."""

import pytest

from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.commands import (
    Accept,
    AskTwilio,
    Attach,
    CheckSideband,
    Command,
    HangUp,
    RequestResponse,
    RetrieveItem,
    SubmitOutput,
)
from services.voice_server.domain.deadlines import PATIENCE
from services.voice_server.domain.instructions import TIME_NEARLY_UP
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.transitions import BRIDGING, CLOSING, DIALLING, ENDED, JOINING, TALKING
from shared.events import CallStatus, EndReason, Speaker
from tests.voice_server.domain.records import START, outbound, record
from tests.voice_server.domain.signals import DIALLED, RTC, SID
from tests.voice_server.domain.telling import ASK, events, response, talking, told

# Gaps and restarts


def test_a_tools_answer_is_told_on_the_next_sideband_if_there_is_none() -> None:
    call = talking()
    told(call, s.ResponseStarted("r0", "response_1"), *response("r1", ASK), s.ResponseStarted("r2", None))
    told(call, s.SidebandLost())
    lost = told(call, s.ToolAnswered("t1", ok=True, output="8 degrees"))
    assert lost == [], "nobody has heard it yet"
    output, request = told(call, s.SidebandAttached())
    assert isinstance(output, SubmitOutput)
    assert "8 degrees" in output.output
    assert isinstance(request, RequestResponse)


def test_a_tool_that_finishes_after_the_call_is_still_told_to_the_world() -> None:
    call = talking()
    told(call, *response("r1", ASK), s.SidebandClosed(), s.LegsReleased())
    late = events(told(call, s.ToolAnswered("t1", ok=True, output="8 degrees"), at=START + 30))
    assert [event.event_type for event in late] == ["tool_finished"]
    assert told(call, s.ToolAnswered("t1", ok=True, output="8 degrees")) == []


def restarted(call: CallRecord, at: float) -> tuple[Call, list[Command]]:
    """Take a call up again from what was saved."""
    again = Call(CallRecord.model_validate_json(call.model_dump_json()))
    return again, again.resume(at)


def test_after_a_restart_a_conversation_is_joined_again_and_not_greeted_again() -> None:
    before = talking()
    told(before, s.ItemAdded("i1", None, Speaker.CALLER))
    call, commands = restarted(before.record, START + 500)
    assert commands == [Attach(RTC, rejoin=True)]
    assert told(call, s.SidebandAttached(), at=START + 501) == [RetrieveItem("i1")]
    assert call.record.phase is TALKING


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        (record(JOINING, rtc_id=RTC), Accept(RTC, repeated=True)),
        (record(JOINING, rtc_id=RTC, joined=True), Attach(RTC, rejoin=True)),
        (outbound(CLOSING, call_sid=SID, rtc_id=RTC), HangUp(SID, RTC)),
    ],
)
def test_what_a_restart_begins_anew_gets_its_whole_time_anew(start: CallRecord, wanted: Command) -> None:
    call, commands = restarted(start, START + 500)
    assert commands == [wanted]
    assert call.wake_at == START + 500 + PATIENCE[start.phase][0]


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        (outbound(DIALLING), []),
        (outbound(DIALLING, call_sid=SID), [AskTwilio(SID)]),
        (record(BRIDGING, call_sid=SID), [AskTwilio(SID)]),
        (record(ENDED, ended_at=START), []),
    ],
)
def test_after_a_restart_a_call_not_joined_yet_finds_out_about_its_leg(
    start: CallRecord, wanted: list[Command]
) -> None:
    assert restarted(start, START + 5)[1] == wanted


def test_a_call_that_turns_out_dead_ended_when_it_was_last_known_of() -> None:
    before = talking()
    told(before, s.SessionResolved("agent:main:main"), at=START + 40)
    call, _ = restarted(before.record, START + 5000)
    told(call, s.JoinFailed(gone=True), at=START + 5001)
    assert told(call, s.LegsReleased(), at=START + 5002)
    assert (call.record.ended_at, call.record.end_reason) == (START + 40, EndReason.CALLER_HUNG_UP)


def test_a_call_that_turns_out_dead_ended_when_twilio_says_it_did() -> None:
    before = Call(outbound())
    told(before, *DIALLED)
    call, _ = restarted(before.record, START + 5000)
    assert told(call, s.JoinFailed(gone=True), at=START + 5001) == [HangUp(SID, None)]
    told(call, s.LegsReleased(SID, None, CallStatus.COMPLETED, START + 77), at=START + 5002)
    assert (call.record.ended_at, call.record.status) == (START + 77, CallStatus.COMPLETED)
    assert call.record.is_settled


def test_a_question_under_way_is_answered_after_a_restart_and_before_the_end() -> None:
    before = talking()
    told(before, *response("r1", ASK))
    call, commands = restarted(before.record, START + 9)
    assert commands == [Attach(RTC, rejoin=True)]
    output, request = told(call, s.SidebandAttached(), at=START + 10)
    assert isinstance(output, SubmitOutput)
    assert isinstance(request, RequestResponse)
    told(call, s.ResponseStarted("r2", request.request_id))
    heard = events(told(call, s.PlaybackStarted("r2"), at=START + 11))
    assert [event.event_type for event in heard] == ["tool_finished"]


def test_the_tools_of_a_call_that_has_ended_are_closed_after_a_restart() -> None:
    before = talking()
    told(before, *response("r1", ASK), s.SidebandClosed(), s.LegsReleased())
    assert not before.record.is_settled
    call, commands = restarted(before.record, START + 9)
    assert [event.event_type for event in events(commands)] == ["tool_finished"]
    assert call.record.is_settled


# Legs that will not be hung up


def test_a_leg_that_could_not_be_hung_up_is_hung_up_again_until_it_is_over() -> None:
    call = Call(outbound())
    told(call, *DIALLED, s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST), s.LegsReleased(None, RTC))
    assert (call.record.phase, call.record.is_settled, call.wake_at) == (ENDED, False, START + 1)
    assert told(call, s.TimePassed(), at=START + 1) == [HangUp(SID, None)]
    assert call.wake_at == START + 3
    told(call, s.LegsReleased(SID, None, CallStatus.COMPLETED), at=START + 2)
    assert call.record.is_settled
    assert call.wake_at is None


def test_it_is_hung_up_again_over_a_restart() -> None:
    before = Call(outbound())
    told(before, *DIALLED, s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST), s.LegsReleased())
    _, commands = restarted(before.record, START + 60)
    assert commands == [HangUp(SID, RTC)]


def test_a_leg_placed_only_after_its_call_was_ended_is_hung_up() -> None:
    call = Call(outbound())
    assert told(call, s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST)) == [HangUp(None, None)]
    told(call, s.LegPlaced(SID), s.LegsReleased())
    assert told(call, s.TimePassed(), at=START + 1) == [HangUp(SID, None)]


# The end of the time


def test_the_caller_is_told_before_the_time_is_up_once() -> None:
    call = talking(max_call_seconds=100, silence_seconds=500, reconcile_seconds=500)
    told(call, s.ResponseStarted("r1", "response_1"), s.ResponseEnded("r1", (), call.record.usage))
    assert call.wake_at == START + 75
    (warning,) = told(call, s.TimePassed(), at=START + 75)
    assert isinstance(warning, RequestResponse)
    assert warning.instructions == TIME_NEARLY_UP
    assert told(call, s.SidebandLost(), s.SidebandAttached(), at=START + 80) == [Attach(RTC, rejoin=True)]
    assert call.wake_at == START + 88, "the gap, and not the warning again"
    told(call, s.TimePassed(), at=START + 100)
    assert (call.record.phase, call.record.end_reason) == (CLOSING, EndReason.MAX_DURATION)


# Calls gone quiet


def test_both_peers_are_asked_about_a_conversation_gone_quiet() -> None:
    call = Call(outbound(silence_seconds=500, reconcile_seconds=60))
    told(call, *DIALLED)
    assert told(call, s.TimePassed(), at=START + 59) == []
    assert told(call, s.TimePassed(), at=START + 60) == [AskTwilio(SID), CheckSideband()]
    assert call.wake_at == START + 120


@pytest.mark.parametrize("phase", [DIALLING, BRIDGING])
def test_twilio_is_asked_about_a_call_that_rings_for_long(phase: Phase) -> None:
    call = Call(outbound(phase, call_sid=SID, reconcile_seconds=10))
    assert told(call, s.TimePassed(), at=START + 10) == [AskTwilio(SID)]


def test_a_leg_found_dead_ends_the_call_when_it_ended() -> None:
    call = Call(outbound(silence_seconds=500))
    told(call, *DIALLED)
    found = s.LegFound(CallStatus.COMPLETED, START + 70, START + 120)
    assert told(call, found, at=START + 121) == [HangUp(None, RTC)]
    told(call, s.LegsReleased(None, RTC), at=START + 122)
    assert (call.record.ended_at, call.record.status) == (START + 70, CallStatus.COMPLETED)


def test_a_call_in_which_somebody_talks_is_not_ended_by_what_was_found() -> None:
    call = Call(outbound(silence_seconds=500))
    told(call, *DIALLED)
    told(call, s.CallerSpoke(goes_on=True), at=START + 121)
    assert told(call, s.LegFound(CallStatus.COMPLETED, START + 70, START + 120), at=START + 122) == []
    assert call.record.phase is TALKING


def test_what_was_missed_of_a_ringing_leg_is_found() -> None:
    call = Call(outbound(DIALLING, call_sid=SID))
    told(call, s.LegFound(CallStatus.QUEUED, None, START), s.LegFound(CallStatus.RINGING, None, START))
    assert (call.record.phase, call.record.status) == (DIALLING, CallStatus.RINGING)
    told(call, s.LegFound(CallStatus.IN_PROGRESS, None, START))
    assert call.record.phase is BRIDGING


def test_whoever_ends_a_call_whose_time_is_up_the_reason_is_its_length() -> None:
    call = Call(outbound(max_call_seconds=100, warned=True, silence_seconds=500, reconcile_seconds=500))
    told(call, *DIALLED)
    told(call, s.LegEnded(CallStatus.COMPLETED), at=START + 99.5)
    assert call.record.end_reason is EndReason.MAX_DURATION


def test_openais_leg_is_hung_up_again_for_as_long_as_openai_would_let_it_last() -> None:
    call = talking(max_call_seconds=60)
    told(call, s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST), s.LegsReleased())
    assert told(call, s.TimePassed(), at=START + 3599) == [HangUp(None, RTC)]
    assert told(call, s.TimePassed(), at=START + 3700) == []
    assert call.record.is_settled
