from collections.abc import Iterable

from services.voice_server.domain.questions import Questions
from services.voice_server.domain.record import OpenTool
from services.voice_server.domain.signals import ResponseEnded, ToolCall
from services.voice_server.domain.tool_call import finished
from shared.events import Usage


def ended(response_id: str, *tools: str) -> ResponseEnded:
    """Make the end of a response that wants tools used."""
    return ResponseEnded(response_id, tuple(ToolCall(tool, "ask_openclaw", "{}") for tool in tools), Usage())


def asked(**requests: str) -> Questions:
    """Make questions of one response."""
    questions = Questions()
    questions.enter(ended("r1", *requests), 10)
    for tool, request in requests.items():
        assert questions.ask(tool, request)
    return questions


def answer(questions: Questions, name: str) -> None:
    """Let the agent answer, so that the caller has to hear of it."""
    report = finished(questions.get(name), 12, ok=True, output=name)
    questions.answer(name, name, tell=True, report=report)


def names(tools: Iterable[OpenTool]) -> list[str]:
    """Name tool calls."""
    return sorted(tool.tool_call_id for tool in tools)


def test_a_tool_call_that_is_told_twice_is_made_once() -> None:
    questions = Questions()
    assert [call.tool_call_id for call in questions.enter(ended("r1", "t1"), 0)] == ["t1"]
    assert questions.enter(ended("r1", "t1"), 0) == []
    answer(questions, "t1")
    assert questions.enter(ended("r1", "t1"), 0) == []
    assert not questions.is_running("t1")


def test_the_answers_of_one_response_are_told_together() -> None:
    questions = asked(t1="one?", t2="two?")
    questions.enter(ended("r2", "t3"), 20)
    answer(questions, "t2")
    assert names(questions.untold) == []
    answer(questions, "t1")
    assert names(questions.untold) == ["t1", "t2"]
    questions.tell("r3", asked=True)
    assert names(questions.untold) == []
    assert [report.tool_call_id for report in questions.heard("r3")] == ["t1", "t2"]
    assert questions.heard("r3") == []
    assert names(questions.running) == ["t3"]


def test_what_the_model_has_got_when_it_speaks_of_itself_is_told() -> None:
    questions = asked(t1="one?")
    answer(questions, "t1")
    questions.tell("r2", asked=False)
    assert names(questions.untold) == ["t1"], "it had not got it yet"
    questions.taken("t1")
    questions.tell("r3", asked=False)
    assert names(questions.untold) == []


def test_an_answer_that_was_not_told_is_to_be_told_still() -> None:
    questions = asked(t1="one?")
    answer(questions, "t1")
    questions.tell("r2", asked=True)
    assert not questions.failed("r9")
    assert questions.failed("r2")
    assert names(questions.untold) == ["t1"]


def test_what_one_response_did_not_get_to_the_next_one_tells() -> None:
    questions = asked(t1="one?")
    answer(questions, "t1")
    questions.taken("t1")
    questions.tell("r2", asked=True)
    questions.tell("r3", asked=False)
    assert questions.heard("r2") == []
    assert len(questions.heard("r3")) == 1


def test_a_tool_call_is_open_until_the_model_has_its_answer_and_the_caller_too() -> None:
    questions = asked(t1="one?", t2="two?")
    questions.taken("t1")
    assert questions.is_running("t1"), "it has not even been answered"
    answer(questions, "t1")
    assert names(questions.not_taken) == ["t1"]
    questions.taken("t1")
    assert names(questions.not_taken) == []
    questions.tell("r2", asked=True)
    questions.heard("r2")
    questions.taken("t1")
    assert names(questions.open) == ["t2"]


def test_the_same_question_is_not_asked_twice_at_once() -> None:
    questions = asked(t1="What is the  weather?")
    questions.enter(ended("r2", "t2"), 20)
    assert not questions.ask("t2", "what is the weather?")
    answer(questions, "t1")
    assert questions.ask("t2", "What is the weather?"), "the first has been answered"


def test_a_newer_question_replaces_what_the_conversation_has_gone_on_from() -> None:
    questions = asked(t1="one?", t2="two?")
    assert questions.replaced("r2", ["three?"]) == [], "nobody has spoken since"
    questions.caller_spoke()
    assert [tool.tool_call_id for tool in questions.replaced("r2", ["three?", "Two?"])] == ["t1"]
    assert questions.replaced("r1", ["three?"]) == [], "they were asked together"


def test_a_question_that_is_late_is_not_left_behind_by_that() -> None:
    questions = asked(t1="one?", t2="two?")
    questions.are_late(questions.running)
    assert questions.is_aside("t1")
    assert questions.replaced("r2", ["three?"]) == []


def test_answers_that_are_given_up_are_told_to_the_world_alone() -> None:
    questions = asked(t1="one?")
    answer(questions, "t1")
    assert questions.give_up(but="r1") == []
    (report,) = questions.give_up()
    assert (report.tool_call_id, names(questions.untold)) == ("t1", [])


def test_after_a_restart_an_answer_that_was_not_heard_is_told() -> None:
    before = asked(t1="one?", t2="two?", t3="three?")
    for name in ("t1", "t3"):
        answer(before, name)
    before.taken("t3")
    after = Questions(before.open)
    answer(after, "t2")
    assert names(after.untold) == ["t1", "t2", "t3"]
    assert names(after.not_taken) == ["t1", "t2"]
    assert after.enter(ended("r1", "t1", "t2"), 30) == []
    assert after.drop("t2").request == "two?"
