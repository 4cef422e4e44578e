import pytest

from services.voice_server.domain.agent import load
from services.voice_server.domain.opening import Limits, new_call, refused
from services.voice_server.domain.policy import Trust
from services.voice_server.domain.record import CallRecord, Phase
from shared.events import CallStatus, Direction, EndReason
from tests.voice_server.domain.records import START


def opened(direction: Direction, **character: object) -> CallRecord:
    """Begin a call of an agent with this character."""
    agent, _ = load({"name": "Ada", "instructions": "Be kind.", **character})
    limits = Limits(max_call_seconds=1800, silence_seconds=60, reconcile_seconds=45, answer_seconds=20)
    known = {"ref": "ref", "direction": direction, "number": "+14155550123", "own_number": "+14155550100"}
    return new_call(agent, limits, START, trust=Trust.OWNER, **known)


@pytest.mark.parametrize(
    ("direction", "phase", "status"),
    [
        (Direction.OUTBOUND, Phase.DIALLING, CallStatus.QUEUED),
        (Direction.INBOUND, Phase.BRIDGING, CallStatus.RINGING),
    ],
)
def test_a_call_begins_in_its_directions_first_phase(
    direction: Direction, phase: Phase, status: CallStatus
) -> None:
    call = opened(direction)
    assert (call.phase, call.status, call.started_at) == (phase, status, START)
    assert (call.max_call_seconds, call.silence_seconds, call.reconcile_seconds) == (1800, 60, 45)
    assert "Ada" in call.greeting


def test_an_agent_may_want_shorter_calls_and_not_longer_ones() -> None:
    assert opened(Direction.INBOUND, max_call_seconds=60).max_call_seconds == 60
    assert opened(Direction.INBOUND, max_call_seconds=3500).max_call_seconds == 1800


def test_a_caller_who_is_turned_away_leaves_nothing_to_be_done() -> None:
    call = refused(opened(Direction.INBOUND, greeting="Hi."))
    assert call.is_settled
    assert (call.status, call.end_reason, call.ended_at) == (CallStatus.REJECTED, EndReason.REJECTED, START)
