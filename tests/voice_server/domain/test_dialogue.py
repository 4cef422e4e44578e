from services.voice_server.domain.commands import Command, RequestResponse, SubmitOutput
from services.voice_server.domain.dialogue import Dialogue
from services.voice_server.domain.signals import RequestRefused, ResponseEnded, ResponseStarted, ToolCall
from shared.events import Usage

BUSY = "conversation_already_has_active_response"
GREETING = "Say hello."


def ended(response_id: str, *tools: str) -> ResponseEnded:
    """Make the end of a response that wants tools used."""
    return ResponseEnded(response_id, tuple(ToolCall(tool, "ask_openclaw", "{}") for tool in tools), Usage())


def greeted() -> Dialogue:
    """Make a dialogue whose first response has been said."""
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.response_started(ResponseStarted("r0", "response_1"))
    dialogue.response_ended(ended("r0"), 0)
    return dialogue


def requests(commands: list[Command]) -> list[str]:
    """Name the responses that are asked for."""
    return [command.request_id for command in commands if isinstance(command, RequestResponse)]


def test_nothing_is_said_while_the_model_speaks() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    assert dialogue.want_response() == []
    assert dialogue.want_response() == []
    dialogue.response_started(ResponseStarted("r2", None))
    assert requests(dialogue.response_ended(ended("r1"), 0)[1]) == []
    assert requests(dialogue.response_ended(ended("r2"), 0)[1]) == ["response_2"]


def test_a_request_that_is_under_way_is_not_made_again() -> None:
    dialogue = Dialogue()
    assert requests(dialogue.want_response(GREETING)) == ["response_1"]
    assert dialogue.want_response() == []


def test_a_request_that_came_too_early_is_repeated_when_the_model_is_done() -> None:
    dialogue = Dialogue()
    (greeting,) = dialogue.want_response(GREETING)
    assert isinstance(greeting, RequestResponse)
    dialogue.response_started(ResponseStarted("r1", None))
    assert dialogue.refused(RequestRefused("response_1", BUSY)) == []
    assert dialogue.refused(RequestRefused("response_1", BUSY)) == [], "told twice"
    (again,) = dialogue.response_ended(ended("r1"), 0)[1]
    assert again == RequestResponse("response_2", greeting.instructions), "under an id of its own"


def test_a_request_refused_for_good_makes_way_for_the_next() -> None:
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.want_response()
    assert dialogue.refused(RequestRefused("event_7", "invalid_value")) == [], "that was another's"
    assert requests(dialogue.refused(RequestRefused(None, "invalid_value"))) == ["response_2"]
    assert dialogue.refused(RequestRefused("response_2", "invalid_value")) == []
    assert dialogue.refused(RequestRefused("response_2", "invalid_value")) == [], "nothing was asked for"


def test_a_tool_call_that_is_told_twice_is_made_once() -> None:
    dialogue = greeted()
    assert [call.tool_call_id for call in dialogue.response_ended(ended("r1", "t1"), 0)[0]] == ["t1"]
    assert dialogue.response_ended(ended("r1", "t1"), 0)[0] == []
    dialogue.answer("t1", "yes")
    assert dialogue.response_ended(ended("r1", "t1"), 0)[0] == []
    assert not dialogue.is_running("t1")


def test_after_parallel_tool_calls_the_model_is_asked_to_speak_once() -> None:
    dialogue = greeted()
    dialogue.response_ended(ended("r1", "t1", "t2"), 10)
    dialogue.response_ended(ended("r2", "t3"), 10)
    tool, commands = dialogue.answer("t2", "two")
    assert (tool.started_at, commands) == (10, [SubmitOutput("t2", "two")])
    _, commands = dialogue.answer("t1", "one")
    assert commands[0] == SubmitOutput("t1", "one")
    assert requests(commands) == ["response_2"]


def test_a_broken_sideband_does_not_silence_the_model_for_ever() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.playback_started("r1")
    dialogue.response_ended(ended("r2", "t1"), 0)
    dialogue.cut_off()
    assert not dialogue.is_heard
    assert dialogue.answer("t1", "yes")[1] == []
    unsaid = dialogue.go_on()
    assert unsaid[0] == SubmitOutput("t1", "yes")
    assert requests(unsaid) == ["response_2"]
    dialogue.taken("t1")
    assert dialogue.go_on() == []


def test_a_request_lost_with_the_sideband_is_made_again_but_no_greeting_is() -> None:
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.cut_off()
    assert dialogue.go_on() == []
    assert requests(dialogue.want_response()) == ["response_2"]
    dialogue.cut_off()
    assert requests(dialogue.go_on()) == ["response_3"]


def test_the_assistant_is_heard_until_its_last_response_was_played() -> None:
    dialogue = Dialogue()
    dialogue.playback_started("r1")
    dialogue.playback_started("r2")
    dialogue.playback_ended("r1", cut=False)
    assert dialogue.is_heard
    dialogue.playback_ended("r2", cut=False)
    dialogue.playback_ended("r2", cut=False)
    assert not dialogue.is_heard


def test_an_answer_the_model_may_not_have_got_is_given_again() -> None:
    dialogue = greeted()
    dialogue.response_ended(ended("r1", "t1", "t2"), 0)
    dialogue.answer("t1", "one")
    dialogue.answer("t2", "two")
    dialogue.taken("t1")
    dialogue.cut_off()
    assert dialogue.go_on()[0] == SubmitOutput("t2", "two")
    dialogue.taken("t2")
    dialogue.taken("t2")
    assert dialogue.tools == ()


def test_a_response_whose_end_is_never_told_ends_with_its_playback_or_the_next_response() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.want_response()
    assert dialogue.playback_ended("r1", cut=True) == [], "its end is still to come"
    assert requests(dialogue.playback_ended("r1", cut=False)) == ["response_2"]
    dialogue.response_started(ResponseStarted("r2", "response_2"))
    dialogue.response_started(ResponseStarted("r3", None))
    dialogue.want_response()
    assert requests(dialogue.response_ended(ended("r2"), 0)[1]) == []
    assert requests(dialogue.response_ended(ended("r3"), 0)[1]) == ["response_3"]


def test_words_of_ours_come_before_the_models_own() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.want_response()
    dialogue.want_response("Time is up.")
    dialogue.want_response()
    (request,) = dialogue.response_ended(ended("r1"), 0)[1]
    assert isinstance(request, RequestResponse)
    assert request.instructions == "Time is up."


def test_after_a_restart_answers_are_given_again_under_new_request_ids() -> None:
    dialogue = greeted()
    dialogue.response_ended(ended("r1", "t1"), 0)
    dialogue.answer("t1", "one")
    again = Dialogue(dialogue.tools)
    again.resume(1_795_000_000.5)
    assert again.want_response() == []
    output, request = again.go_on()
    assert output == SubmitOutput("t1", "one")
    assert requests([request]) == ["response_1795000001"]
