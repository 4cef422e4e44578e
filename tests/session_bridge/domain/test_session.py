import pytest

from services.session_bridge.domain.session import AfterEndError, GapError, Session, State
from tests.session_bridge.calls import CALL, call, kept, read

TOOL = {"toolCallId": "t", "name": "ask_openclaw", "ok": True, "output": "", "durationSeconds": 1}


def folded(*texts: str) -> Session:
    events = [read(event) for event in call(*texts)]
    session = Session.begin(events[0])
    for event in events:
        session = session.take(event)
    return session


def test_a_call_that_ended_is_to_be_written_with_its_turns_counted() -> None:
    session = folded("user: hi", "assistant: hello")
    assert (session.state, session.turns, session.last_sequence) == (State.SYNCING, 2, 4)


def test_a_gap_names_the_event_that_comes_first() -> None:
    events = [read(event) for event in call("user: hi")]
    with pytest.raises(GapError) as caught:
        Session.begin(events[0]).take(events[1])
    assert caught.value.members == {"expectedSequence": 1}


def test_after_the_end_only_a_tool_may_finish() -> None:
    session = folded("user: hi")
    late = session.take(read(kept(CALL, 4, "tool_finished", TOOL)))
    assert (late.state, late.last_sequence) == (State.SYNCING, 4)
    with pytest.raises(AfterEndError):
        session.take(read(kept(CALL, 4, "call_answered", {})))


def test_a_call_that_was_fetched_begins_anew_with_its_first_event() -> None:
    first = read(call()[0])
    fetched = Session(CALL, "+14155550123", "inbound", "2026", "agent:main:main", State.SYNCED, turns=7)
    session = fetched.take(first)
    assert (session.state, session.turns, session.session_key) == (State.ACTIVE, 0, "agent:main:main")
