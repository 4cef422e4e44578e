import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.commands import (
    Accept,
    AskOpenClaw,
    Attach,
    HangUp,
    RequestResponse,
    SubmitOutput,
)
from services.voice_server.domain.deadlines import PATIENCE
from services.voice_server.domain.policy import Trust
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.transitions import (
    CLOSING,
    ENDED,
    TALKING,
    TRANSITIONS,
)
from shared.events import CallStatus, EndReason, Speaker, Usage
from tests.voice_server.domain.records import GREETING, START, outbound, record
from tests.voice_server.domain.signals import (
    DIALLED,
    JOINED,
    REATTACH,
    RESTART,
    RTC,
    SID,
    SIGNALS,
    STEPS,
    WAKE,
    sample,
)
from tests.voice_server.domain.telling import ASK, BYE, events, response, talking, told
from tests.voice_server.domain.witness import Witness
from tests.voice_server.price_list import PRICES

# The machine


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("kind", SIGNALS)
def test_a_signal_leads_where_the_table_says_and_nowhere_else(kind: type[s.Signal], phase: Phase) -> None:
    call = Call(record(phase, call_sid=SID, rtc_id=RTC, joined=phase is TALKING))
    call.receive(sample(kind), START)
    assert call.record.phase is TRANSITIONS[phase].get(kind, phase)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not ENDED])
def test_every_phase_can_be_left_by_request(phase: Phase) -> None:
    call = Call(record(phase, call_sid=SID, rtc_id=RTC))
    told(call, s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST), s.LegsReleased())
    assert call.record.phase is ENDED


@pytest.mark.parametrize("phase", PATIENCE)
def test_no_phase_without_a_conversation_lasts_longer_than_its_patience(phase: Phase) -> None:
    call = Call(record(phase, call_sid=SID, rtc_id=RTC, phase_since=START, reconcile_seconds=1000))
    seconds, signal = PATIENCE[phase]
    assert call.wake_at == START + seconds
    call.receive(s.TimePassed(), START + seconds - 0.001)
    assert call.record.phase is phase
    call.receive(s.TimePassed(), START + seconds)
    assert call.record.phase is (ENDED if phase is CLOSING else CLOSING)
    assert not isinstance(signal, s.HangUpRequested) or call.record.end_reason is signal.reason


# Any signal, at any time

BEGINNINGS = st.sampled_from(
    [(record(), []), (record(), JOINED), (record(), JOINED), (outbound(), []), (outbound(), DIALLED)]
)


@settings(deadline=None)
@given(beginning=BEGINNINGS, steps=STEPS)
def test_whatever_happens_a_call_keeps_its_promises_and_ends(
    beginning: tuple[CallRecord, list[s.Signal]], steps: list[tuple[s.Signal | str, float]]
) -> None:
    start, signals = beginning
    witness = Witness(start)
    for signal in signals:
        witness.tell(signal)
    for step, seconds in steps:
        if step == WAKE:
            witness.wake()
        elif step == RESTART:
            witness.restart(seconds)
        elif step == REATTACH:
            witness.tell(s.SidebandLost(), seconds)
            witness.tell(s.SidebandAttached())
        elif isinstance(step, s.Signal):
            witness.tell(step, seconds)
    for _ in range(30):
        witness.wake()
    assert witness.call.record.phase is ENDED
    legs = s.LegsReleased(witness.call.record.call_sid, witness.call.record.rtc_id)
    witness.tell(legs)
    assert witness.call.wake_at is None


# The ordinary course


def test_a_call_from_its_offer_to_its_end() -> None:
    call = Call(record(), prices=PRICES)
    commands = told(call, s.CallOffered(RTC))
    assert commands[1:] == [Accept(RTC, repeated=False)]
    assert told(call, s.CallAccepted())[1:] == [Attach(RTC, rejoin=False)]
    (hello,) = told(call, s.SidebandAttached(), at=START + 1)
    assert hello == RequestResponse("response_1", GREETING)
    told(
        call,
        s.ItemAdded("i1", None, Speaker.ASSISTANT),
        s.ItemAssigned("i1", "r1"),
        s.ResponseStarted("r1", "response_1"),
        s.PlaybackStarted("r1"),
        s.TextWritten("i1", "Hello."),
        s.ResponseEnded("r1", (), Usage(output_audio_tokens=1_000_000)),
    )
    said = told(call, s.PlaybackEnded("r1", cut=False), at=START + 3)
    assert [event.event_type for event in events(said)] == ["transcript_update"]
    assert told(call, s.SidebandClosed(), at=START + 61) == [HangUp(call_sid=None, rtc_id=None)]
    (ended,) = events(told(call, s.LegsReleased(), at=START + 62))
    data = ended.model_dump(mode="json")["data"]
    assert (data["status"], data["endReason"], data["durationSeconds"]) == ("completed", "caller_hung_up", 62)
    assert data["costUsd"] == 64.0
    assert data["usage"]["output_audio_tokens"] == 1_000_000


def test_a_call_we_dial_is_known_by_twilios_id_from_beginning_to_end() -> None:
    call = Call(outbound(sip_token="secret"))
    commands = told(call, *DIALLED, s.LegEnded(CallStatus.COMPLETED), s.LegsReleased())
    assert {event.call_id for event in events(commands)} == {SID}
    assert [event.event_type for event in events(commands)] == ["call_started", "call_answered", "call_ended"]
    assert [c for c in commands if isinstance(c, HangUp)] == [HangUp(call_sid=None, rtc_id=RTC)]
    assert call.record.sip_token is None


@pytest.mark.parametrize(
    ("signals", "status", "reason"),
    [
        ([s.LegEnded(CallStatus.BUSY)], CallStatus.BUSY, EndReason.NOT_REACHED),
        ([s.LegRang(), s.LegEnded(CallStatus.NO_ANSWER)], CallStatus.NO_ANSWER, EndReason.NOT_REACHED),
        ([s.LegRefused()], CallStatus.FAILED, EndReason.CONNECTION_FAILED),
        ([s.LegAnswered(), s.LegEnded(CallStatus.COMPLETED)], CallStatus.COMPLETED, EndReason.CALLER_HUNG_UP),
        (
            [s.HangUpRequested(EndReason.HUNG_UP_BY_REQUEST)],
            CallStatus.CANCELED,
            EndReason.HUNG_UP_BY_REQUEST,
        ),
        ([s.CallOffered(RTC), s.JoinFailed(gone=True)], CallStatus.FAILED, EndReason.CONNECTION_FAILED),
        ([*JOINED, s.SidebandClosed(expired=True)], CallStatus.COMPLETED, EndReason.MAX_DURATION),
        (
            [*JOINED, s.SidebandLost(), s.JoinFailed(gone=True)],
            CallStatus.COMPLETED,
            EndReason.CALLER_HUNG_UP,
        ),
        (
            [*JOINED, s.SidebandLost(), s.JoinFailed(gone=False)],
            CallStatus.COMPLETED,
            EndReason.CONNECTION_FAILED,
        ),
    ],
)
def test_how_a_call_ended_is_told_by_what_ended_it(
    signals: list[s.Signal], status: CallStatus, reason: EndReason
) -> None:
    call = Call(outbound())
    told(call, s.LegPlaced(SID), *signals, s.LegsReleased())
    assert (call.record.status, call.record.end_reason) == (status, reason)


def test_a_stray_signal_does_not_decide_why_a_call_will_have_ended() -> None:
    call = talking()
    told(call, s.LegRefused(), s.JoinFailed(gone=False))
    assert call.record.end_reason is None


def test_a_call_nobody_ever_named_ends_without_a_word() -> None:
    call = Call(outbound())
    assert told(call, s.LegAnswered(), s.TextGrew("i1", Speaker.CALLER, "?"), s.LegRefused()) == []
    assert told(call, s.HangUpRequested(EndReason.SERVER_STOPPED)) == [HangUp(None, None)]
    assert told(call, s.LegsReleased()) == []
    assert call.record.phase is ENDED


def test_a_name_that_comes_second_does_not_rename_a_call() -> None:
    call = talking()
    assert told(call, s.LegPlaced(SID)) == []
    assert call.record.call_id == RTC


def test_the_bridges_answer_is_remembered() -> None:
    call = talking()
    told(call, s.SessionResolved("agent:main:main"))
    assert call.record.session_key == "agent:main:main"


# Limits


def test_a_call_in_which_nobody_speaks_is_hung_up() -> None:
    call = talking(silence_seconds=60)
    told(call, s.CallerSpoke(goes_on=True), s.CallerSpoke(goes_on=False), at=START + 30)
    assert call.wake_at == START + 90
    assert told(call, s.TimePassed(), at=START + 90) == [HangUp(None, RTC)]
    assert call.record.end_reason is EndReason.SILENCE


def test_somebody_who_speaks_for_long_is_not_silent() -> None:
    call = talking(silence_seconds=60)
    told(call, s.CallerSpoke(goes_on=True), at=START + 1)
    assert told(call, s.TimePassed(), at=START + 60) == []
    told(call, s.CallerSpoke(goes_on=False), s.PlaybackStarted("r1"), at=START + 121)
    assert told(call, s.TimePassed(), at=START + 180) == []
    told(call, s.SidebandLost(), s.SidebandAttached(), s.CallerSpoke(goes_on=False), at=START + 301)
    assert call.wake_at == START + 361, "the end of both may have been missed"


def test_a_call_that_lasts_too_long_is_hung_up_however_lively_it_is() -> None:
    call = talking(max_call_seconds=100, warned=True)
    assert told(call, s.CallerSpoke(goes_on=True), at=START + 99) == []
    assert told(call, s.CallerSpoke(goes_on=True), at=START + 100) == [HangUp(None, RTC)]
    assert call.record.end_reason is EndReason.MAX_DURATION


def test_the_assistants_goodbye_is_heard_before_the_line_is_cut() -> None:
    call = talking()
    told(call, s.PlaybackStarted("r1"))
    finished = told(call, *response("r1", BYE), at=START + 1)
    assert [event.event_type for event in events(finished)] == ["tool_started", "tool_finished"]
    assert call.record.phase is TALKING
    assert call.wake_at == START + 6
    told(call, s.PlaybackEnded("r1", cut=False), at=START + 2)
    assert (call.record.phase, call.record.end_reason) == (CLOSING, EndReason.ASSISTANT_HUNG_UP)


def test_a_call_wakes_for_a_turn_that_has_waited_long_enough() -> None:
    call = talking()
    told(call, s.ItemAdded("i1", None, Speaker.CALLER), s.ItemAdded("i2", "i1", Speaker.ASSISTANT))
    assert told(call, s.TextWritten("i2", "Rain."), s.ItemCut("i2")) == []
    assert call.wake_at == START + 3
    (event,) = events(told(call, s.TimePassed(), at=START + 3))
    assert event.event_type == "transcript_update"


# Tools


def test_a_guest_is_refused_the_tool_that_only_owners_have() -> None:
    call = talking(trust=Trust.GUEST)
    commands = told(call, *response("r1", ASK))
    assert not [command for command in commands if isinstance(command, AskOpenClaw)]
    assert '"ok": false' in next(c.output for c in commands if isinstance(c, SubmitOutput))
