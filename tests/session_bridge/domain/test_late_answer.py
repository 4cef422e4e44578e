import pytest

from services.session_bridge.domain.late_answer import LateAnswer, is_late
from services.session_bridge.domain.session import Session
from tests.session_bridge.calls import CALL, call, kept, read

FINISHED = {"toolCallId": "t1", "ok": True, "output": "At 9:10.", "durationSeconds": 60}


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ('{"request": "A flight?"}', "A flight?"),
        (r'{"request": "A \ud83d flight?"}', "A \ufffd flight?"),
        ("{", "{"),
        ("[]", "[]"),
        pytest.param("[" * 100_000, "[" * 100_000, id="deep"),
        ('{"a": 1}', '{"a": 1}'),
    ],
)
def test_the_owner_reads_what_was_asked_and_the_agents_own_words(arguments: str, asked: str) -> None:
    answer = LateAnswer("e1", CALL, None, arguments, "At **9:10**.", 0)
    assert answer.message == f"You asked on the phone: {asked}\n\nAt **9:10**."


@pytest.mark.parametrize(("name", "late"), [("ask_openclaw", True), ("end_call", False)])
def test_an_answer_is_late_once_the_call_has_ended(name: str, late: bool) -> None:
    events = [read(event) for event in call("user: a")]
    session = Session.begin(events[0])
    finished = read(kept(CALL, 4, "tool_finished", {**FINISHED, "name": name}))
    for event in events:
        assert not is_late(finished, session)
        session = session.take(event)
    assert is_late(finished, session) is late
    assert not is_late(events[-1], session)
