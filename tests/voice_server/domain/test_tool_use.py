import pytest

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import AskOpenClaw, DropQuestion, RequestResponse
from services.voice_server.domain.interim import FILLER, FILLER_SECONDS, LONGER, SIGN_SECONDS
from services.voice_server.domain.policy import Trust
from services.voice_server.domain.talk import Talk
from services.voice_server.domain.tool_use import PAUSE_SECONDS
from shared.events import Speaker, ToolFinishedData, Usage
from tests.voice_server.domain.line import (
    FELL_SILENT,
    LIMIT,
    NOW,
    SPOKE,
    Line,
    ask,
    dropped,
    outputs,
    said,
)
from tests.voice_server.domain.records import record


def test_the_caller_hears_first_words_if_the_model_says_none() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    assert said(line.wake()) == [FILLER]
    assert line.now == pytest.approx(FILLER_SECONDS)


def test_a_model_that_has_acknowledged_is_not_made_to_do_it_again() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    (sign,) = said(line.wake())
    assert sign != FILLER
    assert line.now == pytest.approx(SIGN_SECONDS)


@pytest.mark.parametrize(
    "signs",
    [
        [SPOKE],
        [s.PlaybackStarted("r0")],
        [s.ResponseStarted("r9", None)],
        [s.SidebandLost()],
        [s.ResponseEnded("r9", (s.ToolCall("t9", "end_call", "{}"),), Usage())],
    ],
    ids=["the caller", "the assistant", "the model", "no line", "a goodbye"],
)
def test_nothing_is_said_over_anybody(signs: list[s.Signal]) -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(*signs)
    assert line.talk.wake_at is None
    assert said(line.tell(s.TimePassed(), at=20)) == []


def test_signs_of_life_come_after_the_last_sound() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    line.tell(SPOKE, at=3)
    line.tell(FELL_SILENT, at=5)
    line.wake()
    assert line.now == pytest.approx(5 + SIGN_SECONDS)


def test_a_remark_that_cannot_be_made_is_not_made_up_for() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    (remark,) = [one for one in line.wake() if isinstance(one, RequestResponse)]
    line.tell(s.ResponseStarted("r9", None))
    line.tell(s.RequestRefused(remark.request_id, "conversation_already_has_active_response"))
    assert said(line.tell(s.ResponseEnded("r9", (), Usage()))) == []


def test_after_the_time_limit_the_caller_is_told_and_the_question_goes_on() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    heard = []
    while line.now < LIMIT:
        heard += (words := said(line.wake()))
        line.speak(words="Still here.", request=f"response_{len(heard)}")
        assert len(words) == 1
    assert heard[-1] == LONGER
    assert LONGER not in heard[:-1]
    line.now = 50
    told = outputs(line.answer("t1"))["t1"]
    assert (told["ok"], told["answer"]) == (True, "8 degrees")
    assert "gone on" in told["note"]


def test_an_answer_is_told_at_once_where_nobody_speaks() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    line.now = 3
    assert said(line.answer("t1")) == [None]
    assert line.talk.wake_at is None


def test_an_answer_does_not_interrupt_the_caller() -> None:
    line = Line()
    line.tell(SPOKE, at=-3)
    line.tell(FELL_SILENT, at=-1)
    line.speak(ask("t1", "Weather?"))
    line.tell(SPOKE, at=2)
    assert said(line.answer("t1")) == []
    assert said(line.tell(FELL_SILENT, at=4)) == []
    assert said(line.wake()) == [None]
    assert line.now == pytest.approx(4 + PAUSE_SECONDS)


def test_a_reply_of_the_models_own_tells_the_answers_it_has_got() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(SPOKE, at=2)
    line.answer("t1")
    line.tell(s.OutputTaken("t1"), FELL_SILENT)
    assert said(line.speak(words="It has 8 degrees.")) == []
    assert line.talk.wake_at is None


def test_an_answer_that_comes_while_the_model_replies_is_told_afterwards() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(SPOKE, FELL_SILENT, at=2)
    line.tell(s.ResponseStarted("r9", None))
    assert said(line.answer("t1")) == []
    line.tell(s.ResponseEnded("r9", (), Usage()), s.OutputTaken("t1"), at=3)
    assert said(line.wake()) == [None]


def test_an_answer_to_what_was_left_behind_waits_for_a_pause_and_may_be_left_out() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), words="Let me look.")
    line.tell(SPOKE, FELL_SILENT, at=2)
    line.tell(s.PlaybackStarted("r8"), at=3)
    assert "gone on" in outputs(line.answer("t1"))["t1"]["note"]
    assert line.talk.wake_at is None
    line.tell(s.PlaybackEnded("r8", cut=False), at=5)
    assert said(line.wake()) == [None]
    assert line.now == pytest.approx(5 + PAUSE_SECONDS)


@pytest.mark.parametrize("words", ["never mind", "Never mind.", ' "never mind" '])
def test_never_mind_drops_what_runs(words: str) -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"), ask("t2", "Mail?"), words="Let me look.")
    line.tell(SPOKE, FELL_SILENT, at=2)
    outcomes = line.speak(ask("t3", words), words="All right.")
    assert dropped(outcomes) == ["t1", "t2"]
    assert outputs(outcomes)["t1"]["error"] == "Dropped."
    assert said(outcomes) == []
    assert [tool["ok"] for tool in outputs(outcomes).values()] == [False, False, True]
    assert line.answer("t1") == [], "it is not told when it comes all the same"
    assert line.talk.wake_at is None


def test_a_model_that_drops_a_question_without_a_word_is_made_to_speak() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    outcomes = line.speak(ask("t2", "never mind"))
    assert dropped(outcomes) == ["t1"]
    assert said(outcomes) == [None]


def test_another_request_replaces_the_one_that_still_runs() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(SPOKE, FELL_SILENT, at=2)
    outcomes = line.speak(ask("t2", "Mail?"))
    asked = [type(outcome) for outcome in outcomes if isinstance(outcome, AskOpenClaw | DropQuestion)]
    assert asked == [DropQuestion, AskOpenClaw], "the old one makes way first"
    requests = [o.request for o in outcomes if isinstance(o, AskOpenClaw)]
    requests += [o.request for o in line.speak(ask("t3", "News?")) if isinstance(o, AskOpenClaw)]
    assert requests == ["(My earlier question is no longer needed.) Mail?", "News?"], "told once"
    assert [o.ok for o in outcomes if isinstance(o, ToolFinishedData)] == [False]
    assert said(outcomes) == []
    line.now = 4
    assert "note" in outputs(line.answer("t2"))["t2"]


def test_questions_asked_together_are_all_wanted() -> None:
    line = Line()
    outcomes = line.speak(ask("t1", "Weather?"), ask("t2", "Mail?"))
    assert [o for o in outcomes if isinstance(o, AskOpenClaw)] == [
        AskOpenClaw("t1", "Weather?"),
        AskOpenClaw("t2", "Mail?"),
    ]
    assert said(line.answer("t2", "None.")) == []
    outcomes = line.answer("t1")
    assert outputs(outcomes)["t1"]["answer"] == "8 degrees"
    assert said(outcomes) == [None]


def test_the_same_question_again_waits_for_the_answer_to_the_first() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(SPOKE, FELL_SILENT, at=2)
    outcomes = line.speak(ask("t2", "weather?"))
    assert not [o for o in outcomes if isinstance(o, AskOpenClaw | DropQuestion)]
    assert outputs(outcomes)["t2"]["ok"]


def test_a_guest_has_no_agent() -> None:
    line = Line(Talk(record(trust=Trust.GUEST), (), NOW))
    outcomes = line.speak(ask("t1", "Weather?"))
    assert not outputs(outcomes)["t1"]["ok"]
    assert not [o for o in outcomes if isinstance(o, AskOpenClaw)]


def test_when_the_call_is_being_hung_up_nothing_more_is_said() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.talk.leave_off()
    assert line.talk.wake_at is None
    assert said(line.answer("t1")) == []
    assert line.talk.wake_at is None


def test_the_answer_is_kept_while_the_line_is_broken() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(s.SidebandLost())
    assert outputs(line.answer("t1")) == {}
    outcomes = line.tell(s.SidebandAttached(), at=5)
    assert outputs(outcomes)["t1"]["answer"] == "8 degrees"
    assert said(outcomes) == [None]
    line.tell(s.OutputTaken("t1"))
    line.speak(words="It has 8 degrees.", request="response_1")
    assert line.talk.open_tools == ()


def test_an_answer_that_the_caller_cuts_off_waits_for_a_pause() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(s.ResponseStarted("r9", "other"))
    line.answer("t1")
    line.tell(SPOKE, s.ResponseEnded("r9", (), Usage()), at=1)
    assert said(line.tell(FELL_SILENT, at=2)) == [], "the model is about to reply of itself"
    assert said(line.wake()) == [None]
    assert line.now == pytest.approx(2 + PAUSE_SECONDS)


def test_a_playback_whose_end_gets_lost_does_not_keep_an_answer_back_for_ever() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    line.tell(s.PlaybackStarted("r9"), at=1)
    line.tell(SPOKE, FELL_SILENT, s.ItemAdded("i5", None, Speaker.CALLER), at=2)
    line.answer("t1")
    assert said(line.wake()) == [None]


def test_never_mind_and_another_question_at_once_drop_the_old_one_first() -> None:
    line = Line()
    line.speak(ask("t1", "Weather?"))
    outcomes = line.speak(ask("t2", "Mail?"), ask("t3", "never mind"))
    assert dropped(outcomes) == ["t1"]
    (asked,) = (o for o in outcomes if isinstance(o, AskOpenClaw))
    assert asked == AskOpenClaw("t2", "(My earlier question is no longer needed.) Mail?")
