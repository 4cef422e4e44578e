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
    dialogue.response_started(ResponseStarted("r1", None))
    assert dialogue.refused(RequestRefused("response_1", BUSY)) == []
    assert dialogue.response_ended(ended("r1"), 0) == ([], [greeting])


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
    dialogue.tool_answered("t1", "yes", 0)
    assert dialogue.response_ended(ended("r1", "t1"), 0)[0] == []
    assert not dialogue.is_running("t1")


def test_after_parallel_tool_calls_the_model_is_asked_to_speak_once() -> None:
    dialogue = greeted()
    dialogue.response_ended(ended("r1", "t1", "t2"), 10)
    dialogue.response_ended(ended("r2", "t3"), 10)
    _, seconds, commands = dialogue.tool_answered("t2", "two", 12.5)
    assert (seconds, commands) == (2.5, [SubmitOutput("t2", "two")])
    _, _, commands = dialogue.tool_answered("t1", "one", 13)
    assert commands[0] == SubmitOutput("t1", "one")
    assert requests(commands) == ["response_2"]


def test_a_broken_sideband_does_not_silence_the_model_for_ever() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.playback_started("r1")
    dialogue.response_ended(ended("r2", "t1"), 0)
    dialogue.cut_off()
    assert not dialogue.is_heard
    assert dialogue.tool_answered("t1", "yes", 0)[2] == []
    unsaid = dialogue.go_on()
    assert unsaid[0] == SubmitOutput("t1", "yes")
    assert requests(unsaid) == ["response_2"]
    assert dialogue.go_on() == []


def test_a_request_lost_with_the_sideband_is_made_again_but_no_greeting_is() -> None:
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.cut_off()
    assert dialogue.go_on() == []
    assert requests(dialogue.want_response()) == ["response_2"]
    dialogue.cut_off()
    assert requests(dialogue.go_on()) == ["response_2"]


def test_the_assistant_is_heard_until_its_last_response_was_played() -> None:
    dialogue = Dialogue()
    dialogue.playback_started("r1")
    dialogue.playback_started("r2")
    dialogue.playback_ended("r1")
    assert dialogue.is_heard
    dialogue.playback_ended("r2")
    dialogue.playback_ended("r2")
    assert not dialogue.is_heard
