from services.voice_server.domain.questions import Questions
from services.voice_server.domain.signals import ResponseEnded, ToolCall
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


def untold(questions: Questions) -> bool:
    """Tell whether an answer has to be told: looked at anew, whatever it was before."""
    return questions.untold


def test_a_tool_call_that_is_told_twice_is_made_once() -> None:
    questions = Questions()
    assert [call.tool_call_id for call in questions.enter(ended("r1", "t1"), 0)] == ["t1"]
    assert questions.enter(ended("r1", "t1"), 0) == []
    questions.answer("t1", "yes", tell=True)
    assert questions.enter(ended("r1", "t1"), 0) == []
    assert not questions.is_running("t1")


def test_the_answers_of_one_response_are_told_together() -> None:
    questions = asked(t1="one?", t2="two?")
    questions.enter(ended("r2", "t3"), 20)
    assert questions.answer("t2", "two", tell=True).started_at == 10
    assert not untold(questions)
    questions.answer("t1", "one", tell=True)
    assert untold(questions)
    questions.told()
    assert not untold(questions)
    assert [tool.tool_call_id for tool in questions.running] == ["t3"]


def test_what_the_model_has_got_when_it_speaks_of_itself_is_told() -> None:
    questions = asked(t1="one?")
    questions.answer("t1", "one", tell=True)
    questions.model_spoke()
    assert questions.untold, "it had not got it yet"
    questions.taken("t1")
    questions.model_spoke()
    assert not questions.untold


def test_an_answer_is_open_until_the_model_has_it() -> None:
    questions = asked(t1="one?", t2="two?")
    questions.taken("t1")
    assert questions.is_running("t1"), "it has not even been answered"
    questions.answer("t1", "one", tell=True)
    assert [tool.output for tool in questions.answered] == ["one"]
    questions.taken("t1")
    questions.taken("t1")
    assert [tool.tool_call_id for tool in questions.open] == ["t2"]


def test_the_same_question_is_not_asked_twice_at_once() -> None:
    questions = asked(t1="What is the  weather?")
    questions.enter(ended("r2", "t2"), 20)
    assert not questions.ask("t2", "what is the weather?")
    questions.answer("t1", "rain", tell=True)
    assert questions.ask("t2", "What is the weather?"), "the first has been answered"


def test_a_newer_question_replaces_what_the_conversation_has_gone_on_from() -> None:
    questions = asked(t1="one?", t2="two?")
    assert questions.replaced("r2", ["three?"]) == [], "nobody has spoken since"
    questions.caller_spoke()
    assert [tool.tool_call_id for tool in questions.replaced("r2", ["three?", "Two?"])] == ["t1"]
    assert questions.replaced("r1", ["three?"]) == [], "they were asked together"


def test_an_answer_to_a_question_left_behind_is_told_apart() -> None:
    questions = asked(t1="one?")
    questions.caller_spoke()
    assert questions.is_aside("t1")
    assert not questions.untold_aside
    questions.answer("t1", "one", tell=True)
    assert questions.untold_aside


def test_after_a_restart_every_answer_has_to_be_told() -> None:
    before = asked(t1="one?", t2="two?")
    before.answer("t1", "one", tell=True)
    after = Questions(before.open)
    assert after.untold
    assert after.enter(ended("r1", "t1", "t2"), 30) == []
    assert after.drop("t2").request == "two?"
