"""An answer that has come is told: once, and if nobody hears it, it goes on as a late one."""

import pytest

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import AskOpenClaw, RequestResponse
from services.voice_server.domain.interim import LONGER
from services.voice_server.domain.talk import Talk
from services.voice_server.domain.tool_use import MAX_ROUNDS, MAX_TRIES, RETRY_SECONDS
from shared.events import Speaker, Usage
from tests.voice_server.domain.line import (
    FELL_SILENT,
    NOW,
    SPOKE,
    Line,
    ask,
    dropped,
    finished,
    outputs,
    said,
)
from tests.voice_server.domain.records import record


def answered() -> tuple[Line, str]:
    """Have a question answered that the model is asked to tell; the id of that request."""
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    line.now = 3
    outcomes = line.answer("t1")
    assert finished(outcomes) == [], "nobody has heard it yet"
    (request,) = [one for one in outcomes if isinstance(one, RequestResponse)]
    line.tell(s.OutputTaken("t1"))
    return line, request.request_id


def test_the_world_is_told_when_the_caller_hears_the_answer() -> None:
    line, request = answered()
    assert finished(line.tell(s.ResponseStarted("r2", request))) == []
    assert finished(line.tell(s.PlaybackStarted("r2"))) == ["t1"]
    assert line.talk.open_tools == ()
    assert line.talk.unheard() == []


def test_an_answer_nobody_has_heard_is_late_when_the_call_ends() -> None:
    line, request = answered()
    line.tell(s.ResponseStarted("r2", request))
    line.talk.leave_off()
    assert finished(line.talk.unheard()) == ["t1"]
    assert line.talk.open_tools == ()


def test_after_the_end_an_answer_is_told_to_the_world_at_once() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.talk.leave_off()
    assert line.talk.unheard() == []
    assert finished(line.answer("t1")) == ["t1"]


def test_a_goodbye_is_not_disturbed_by_an_answer_which_is_then_late() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.speak(s.ToolCall("t2", "end_call", "{}"), words="Goodbye!")
    assert said(line.answer("t1")) == []
    assert finished(line.talk.unheard()) == ["t1"]


@pytest.mark.parametrize("failure", ["failed", "refused"])
def test_an_answer_the_model_does_not_get_to_tell_is_tried_again_a_few_times(failure: str) -> None:
    line, request = answered()
    for number in range(1, MAX_TRIES + 1):
        if failure == "failed":
            line.tell(s.ResponseStarted(f"x{number}", request), s.ResponseEnded(f"x{number}", (), Usage()))
        else:
            line.tell(s.RequestRefused(request, "server_error"))
        if number == MAX_TRIES:
            break
        before = line.now
        (again,) = [one for one in line.wake() if isinstance(one, RequestResponse)]
        assert line.now == pytest.approx(before + RETRY_SECONDS * number)
        assert again.instructions is None
        request = again.request_id
    assert line.talk.wake_at is None
    line.tell(SPOKE, FELL_SILENT, at=60)
    assert said(line.wake()) == [None], "whoever speaks wants to hear it"


def test_words_of_ours_that_come_in_between_do_not_swallow_an_answer() -> None:
    line, request = answered()
    line.tell(s.ResponseStarted("x1", None))
    line.tell(s.RequestRefused(request, "conversation_already_has_active_response"))
    line.talk.say("Time is nearly up.")
    outcomes = line.tell(s.ResponseEnded("x1", (), Usage()))
    assert said(outcomes) == ["Time is nearly up."]
    (ours,) = [one.request_id for one in outcomes if isinstance(one, RequestResponse)]
    line.tell(s.ResponseStarted("x2", ours), s.ResponseEnded("x2", (), Usage()))
    assert said(line.wake()) == [None]


def test_never_mind_holds_for_an_answer_that_has_just_come() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    line.tell(SPOKE, FELL_SILENT, at=2)
    line.tell(s.ResponseStarted("r2", None))
    line.answer("t1")
    outcomes = line.tell(
        s.ItemAssigned("i2", "r2"),
        s.TextWritten("i2", "All right."),
        s.ResponseEnded("r2", (ask("t2", "never mind"),), Usage()),
    )
    assert finished(outcomes) == ["t1", "t2"]
    assert line.talk.wake_at is None


def test_an_answer_that_waits_for_a_pause_is_told_after_a_restart() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(SPOKE, at=2)
    line.answer("t1")
    line.tell(s.OutputTaken("t1"))
    again = Talk(record(open_tools=line.talk.open_tools), (), NOW + 5)
    assert again.resume(NOW + 5) == []
    outcomes = again.receive(s.SidebandAttached(), NOW + 6)
    assert outputs(outcomes) == {}, "the model has it"
    assert said(outcomes) == [None]


def test_an_answer_that_was_worded_when_the_line_broke_is_heard_and_one_that_was_not_is_told_anew() -> None:
    line, request = answered()
    line.tell(s.ResponseStarted("r2", request), s.ItemAssigned("i2", "r2"))
    assert finished(line.tell(s.TextWritten("i2", "It has 8 degrees."), s.SidebandLost())) == ["t1"]
    line, request = answered()
    line.tell(s.ResponseStarted("r2", request))
    assert finished(line.tell(s.SidebandLost())) == []
    assert said(line.tell(s.SidebandAttached())) == [None]


def test_an_answer_whose_playback_is_never_told_of_is_heard_when_the_caller_replies() -> None:
    line, request = answered()
    line.tell(s.ResponseStarted("r2", request), s.ItemAssigned("i2", "r2"))
    line.tell(s.TextWritten("i2", "It has 8 degrees."), s.ResponseEnded("r2", (), Usage()))
    assert finished(line.tell(s.ItemAdded("i3", "i2", Speaker.CALLER))) == ["t1"]


def test_a_model_that_asks_again_and_again_is_made_to_talk() -> None:
    line = Line()
    request, limits = "of the caller's", []
    for number in range(MAX_ROUNDS + 1):
        line.speak(ask(f"t{number}", f"Try {number}?"), request=request)
        outcomes = line.tell(s.ToolAnswered(f"t{number}", ok=False, output="No gateway."))
        (asked,) = [one for one in outcomes if isinstance(one, RequestResponse)]
        request = asked.request_id
        limits.append(asked.only_talk)
        if number == MAX_ROUNDS - 1:
            line.tell(SPOKE, FELL_SILENT)
    assert limits == [*[False] * (MAX_ROUNDS - 1), True, False], "until somebody speaks"


def test_a_late_question_is_not_replaced_before_the_caller_has_spoken() -> None:
    line = Line()
    line.speak(ask("t1", "Flight?"), words="Let me look.")
    while LONGER not in (words := said(line.wake())):
        line.speak(words="Still here.", request="other")
    line.speak(words="It takes longer.", request="other")
    outcomes = line.speak(ask("t2", "Flights?"), request="other")
    assert words == [LONGER]
    assert dropped(outcomes) == []
    assert [one.tool_call_id for one in outcomes if isinstance(one, AskOpenClaw)] == ["t2"]
