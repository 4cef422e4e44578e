import json

import pytest

from services.voice_server.domain import signals as s
from services.voice_server.domain.commands import AskOpenClaw, RequestResponse, RetrieveItem, SubmitOutput
from services.voice_server.domain.instructions import INTERRUPTED
from services.voice_server.domain.talk import GAP_SECONDS, Outcome, SoFar, Talk
from services.voice_server.domain.tool_use import GOODBYE_SECONDS
from shared.events import Speaker, ToolFinishedData, ToolStartedData, TurnData, Usage
from tests.voice_server.domain.records import record

NOW = 1_795_000_000.0
USER, ASSISTANT = Speaker.CALLER, Speaker.ASSISTANT


def talk() -> Talk:
    """Make the talk of an owner's call."""
    return Talk(record(), (), NOW)


def told(subject: Talk, *signals: s.Signal, at: float = NOW) -> list[Outcome]:
    """Tell a talk several things at once."""
    return [outcome for signal in signals for outcome in subject.receive(signal, at)]


def use(name: str, arguments: str, tool_call_id: str = "t1") -> s.ResponseEnded:
    """Make a response that wants a tool used."""
    return s.ResponseEnded("r1", (s.ToolCall(tool_call_id, name, arguments),), Usage())


def test_an_interrupted_answer_keeps_what_was_written_of_it() -> None:
    subject = talk()
    outcomes = told(
        subject,
        s.ItemAssigned("i1", "r1"),
        s.ItemAdded("i1", None, ASSISTANT),
        s.TextGrew("i1", ASSISTANT, "It is "),
        s.TextGrew("i1", ASSISTANT, "raining"),
        s.PlaybackStarted("r1"),
        s.ItemCut("i1"),
        s.TextWritten("i1", "It is raining cats and dogs."),
        s.PlaybackEnded("r1", cut=True),
    )
    said = [outcome for outcome in outcomes if isinstance(outcome, TurnData)]
    assert [(turn.content, turn.interrupted) for turn in said] == [("It is raining", True)]
    partials = [outcome.turn.content for outcome in outcomes if isinstance(outcome, SoFar)]
    assert partials == ["It is", "It is raining"]


def test_what_was_consumed_is_counted_once() -> None:
    subject = talk()
    heard = s.CallerTranscribed("i1", "Hello", Usage(transcription_seconds=2))
    ended = s.ResponseEnded("r1", (), Usage(input_text_tokens=5, cached_text_tokens=3))
    told(subject, heard, heard, ended, ended)
    assert subject.usage == Usage(input_text_tokens=5, cached_text_tokens=3, transcription_seconds=2)


def test_a_question_is_asked_and_its_answer_given_to_the_model() -> None:
    subject = talk()
    started, ask = told(subject, use("ask_openclaw", '{"request": " Will it rain? "}'))
    assert isinstance(started, ToolStartedData)
    assert ask == AskOpenClaw("t1", "Will it rain?")
    output, _ = told(subject, s.ToolAnswered("t1", ok=True, output="Ja, größtenteils."), at=NOW + 2)
    told(subject, s.OutputTaken("t1"), s.ResponseStarted("r2", "response_1"))
    (finished,) = told(subject, s.PlaybackStarted("r2"), at=NOW + 4)
    assert isinstance(finished, ToolFinishedData)
    assert (finished.ok, finished.output, finished.duration_seconds) == (True, "Ja, größtenteils.", 2)
    assert isinstance(output, SubmitOutput)
    read = json.loads(output.output)
    assert (read["ok"], read["answer"]) == (True, "Ja, größtenteils.")
    assert "größtenteils" in output.output, "as it is written, which costs fewer tokens"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("open_door", "{}"),
        ("ask_openclaw", ""),
        ("ask_openclaw", '{"request": "ha'),
        ("ask_openclaw", '{"request": "  "}'),
        ("ask_openclaw", '{"request": ["a"]}'),
        ("ask_openclaw", '["request"]'),
        ("ask_openclaw", "[" * 100_000),
    ],
)
def test_a_tool_call_that_cannot_be_made_is_explained_to_the_model(name: str, arguments: str) -> None:
    outcomes = told(talk(), use(name, arguments))
    (output,) = (outcome.output for outcome in outcomes if isinstance(outcome, SubmitOutput))
    assert json.loads(output)["ok"] is False
    assert json.loads(output)["error"]
    assert not any(isinstance(outcome, AskOpenClaw) for outcome in outcomes)


def test_a_goodbye_that_nobody_hears_is_not_waited_for() -> None:
    subject = talk()
    told(subject, use("end_call", "{}"))
    assert subject.goodbye_by == NOW


def test_a_goodbye_is_over_when_all_of_it_was_heard() -> None:
    subject = talk()
    told(subject, s.PlaybackStarted("r0"), s.PlaybackStarted("r1"), use("end_call", "{}"))
    told(subject, s.PlaybackEnded("r0", cut=False), at=NOW + 1)
    assert subject.goodbye_by == NOW + GOODBYE_SECONDS
    told(subject, s.PlaybackEnded("r1", cut=False), at=NOW + 2)
    assert subject.goodbye_by == NOW + 2


def test_a_goodbye_whose_playback_begins_after_its_response_has_ended_is_heard() -> None:
    subject = talk()
    told(
        subject,
        s.ItemAssigned("i1", "r1"),
        s.ItemAdded("i1", None, ASSISTANT),
        s.TextWritten("i1", "Goodbye then!"),
        use("end_call", "{}"),
    )
    assert subject.goodbye_by == NOW + GOODBYE_SECONDS
    told(subject, s.PlaybackStarted("r1"), at=NOW + 1)
    assert subject.goodbye_by == NOW + GOODBYE_SECONDS
    told(subject, s.PlaybackEnded("r1", cut=False), at=NOW + 3)
    assert subject.goodbye_by == NOW + 3


def test_what_was_missed_is_transcribed_after_it_was_asked_for_in_vain() -> None:
    subject = talk()
    assert told(subject, s.ItemAdded("i2", "i1", ASSISTANT)) == [RetrieveItem("i1")]
    assert told(subject, s.ItemRetrieved("i1", USER, None), s.TextWritten("i2", "I will.")) == []
    (turn,) = told(subject, s.CallerTranscribed("i1", "Call my mother, please.", Usage()), at=NOW + 1)
    assert isinstance(turn, TurnData)
    assert (turn.item_id, turn.speaker, turn.content) == ("i1", USER, "Call my mother, please.")
    (answer,) = subject.finish(NOW + 2)
    assert isinstance(answer, TurnData)
    assert (answer.item_id, answer.previous_item_id) == ("i2", "i1")


def test_what_was_missed_is_asked_for_and_filled_in() -> None:
    subject = talk()
    assert told(subject, s.ItemAdded("i2", "i1", USER)) == [RetrieveItem("i1")]
    assert told(subject, s.ItemAdded("i3", "i2", ASSISTANT)) == []
    assert told(subject, s.ItemRetrieved("i1", None, None), s.ItemRetrieved("i1", USER, None)) == []
    (turn,) = told(subject, s.ItemRetrieved("i1", ASSISTANT, "Hello."))
    assert isinstance(turn, TurnData)
    assert turn.item_id == "i1"
    assert subject.go_on(NOW) == [RetrieveItem("i2"), RetrieveItem("i3")]


def test_at_the_end_what_was_still_being_said_is_kept_as_interrupted() -> None:
    subject = talk()
    told(subject, s.ItemAdded("i1", None, USER), s.TextGrew("i1", USER, "I wanted to"))
    (turn,) = subject.finish(NOW)
    assert isinstance(turn, TurnData)
    assert (turn.content, turn.interrupted) == ("I wanted to", True)
    assert subject.drafts == ()


def test_after_a_gap_in_which_nobody_speaks_the_assistant_asks_what_it_missed() -> None:
    subject = talk()
    told(subject, s.SidebandLost(), s.SidebandAttached())
    subject.go_on(NOW)
    assert subject.wake_at == NOW + GAP_SECONDS
    assert told(subject, s.TimePassed(), at=NOW + 1) == []
    (question,) = told(subject, s.TimePassed(), at=NOW + GAP_SECONDS)
    assert isinstance(question, RequestResponse)
    assert question.instructions == INTERRUPTED
    assert subject.wake_at is None


@pytest.mark.parametrize(
    "sign", [s.CallerSpoke(goes_on=True), s.PlaybackStarted("r1"), s.ResponseStarted("r1", None)]
)
def test_after_a_gap_whoever_speaks_is_not_interrupted(sign: s.Signal) -> None:
    subject = talk()
    told(subject, s.SidebandLost(), s.SidebandAttached())
    subject.go_on(NOW)
    told(subject, sign)
    assert subject.wake_at is None


def test_a_question_under_way_when_the_server_stopped_is_answered_with_its_loss() -> None:
    before = talk()
    told(before, use("ask_openclaw", '{"request": "weather?"}'))
    subject = Talk(record(open_tools=before.open_tools), (), NOW)
    assert subject.resume(NOW + 7) == []
    output, request = told(subject, s.SidebandAttached(), at=NOW + 8)
    assert isinstance(output, SubmitOutput)
    assert json.loads(output.output)["ok"] is False
    assert isinstance(request, RequestResponse)
    subject.go_on(NOW + 8)
    told(subject, s.OutputTaken("t1"), s.ResponseStarted("r2", request.request_id))
    (finished,) = told(subject, s.PlaybackStarted("r2"))
    assert isinstance(finished, ToolFinishedData)
    assert (finished.tool_call_id, finished.ok, finished.duration_seconds) == ("t1", False, 7)
    assert (subject.open_tools, subject.wake_at) == ((), None)


def test_questions_into_an_empty_room_do_not_break_the_silence() -> None:
    subject = talk()
    told(
        subject, s.CallerIdled(), s.PlaybackStarted("r1"), s.TextGrew("i1", ASSISTANT, "Hello?"), at=NOW + 50
    )
    assert subject.silent_at(60) == NOW + 60
    told(subject, s.CallerSpoke(goes_on=False), at=NOW + 55)
    told(subject, s.PlaybackEnded("r1", cut=False), at=NOW + 57)
    assert subject.silent_at(60) == NOW + 117
