from services.voice_server.domain.commands import Command, RequestResponse
from services.voice_server.domain.dialogue import Dialogue
from services.voice_server.domain.signals import RequestRefused, ResponseEnded, ResponseStarted
from shared.events import Usage

BUSY = "conversation_already_has_active_response"
GREETING = "Say hello."


def ended(response_id: str) -> ResponseEnded:
    """Make the end of a response."""
    return ResponseEnded(response_id, (), Usage())


def greeted() -> Dialogue:
    """Make a dialogue whose first response has been said."""
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.response_started(ResponseStarted("r0", "response_1"))
    dialogue.response_ended(ended("r0"))
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
    assert requests(dialogue.response_ended(ended("r1"))) == []
    assert requests(dialogue.response_ended(ended("r2"))) == ["response_2"]


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
    (again,) = dialogue.response_ended(ended("r1"))
    assert again == RequestResponse("response_2", greeting.instructions), "under an id of its own"


def test_a_request_refused_for_good_makes_way_for_the_next() -> None:
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.want_response()
    assert dialogue.refused(RequestRefused("event_7", "invalid_value")) == [], "that was another's"
    assert requests(dialogue.refused(RequestRefused(None, "invalid_value"))) == ["response_2"]
    assert dialogue.refused(RequestRefused("response_2", "invalid_value")) == []
    assert dialogue.refused(RequestRefused("response_2", "invalid_value")) == [], "nothing was asked for"


def test_a_remark_that_came_too_early_is_forgotten() -> None:
    dialogue = greeted()
    (remark,) = dialogue.remark("One moment.")
    assert isinstance(remark, RequestResponse)
    dialogue.response_started(ResponseStarted("r1", None))
    assert dialogue.refused(RequestRefused(remark.request_id, BUSY)) == []
    assert dialogue.response_ended(ended("r1")) == []
    assert dialogue.is_free


def test_who_asked_for_a_response_is_known_when_it_begins() -> None:
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    assert dialogue.response_started(ResponseStarted("r0", "response_1"))
    assert not dialogue.response_started(ResponseStarted("r1", None))
    assert not dialogue.is_free


def test_a_broken_sideband_does_not_silence_the_model_for_ever() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.cut_off()
    assert dialogue.is_cut_off
    assert not dialogue.is_free
    assert dialogue.want_response() == []
    assert requests(dialogue.go_on()) == ["response_2"]
    assert dialogue.go_on() == []


def test_a_request_lost_with_the_sideband_is_made_again_but_no_greeting_is() -> None:
    dialogue = Dialogue()
    dialogue.want_response(GREETING)
    dialogue.cut_off()
    assert dialogue.go_on() == []
    assert requests(dialogue.want_response()) == ["response_2"]
    dialogue.cut_off()
    assert requests(dialogue.go_on()) == ["response_3"]


def test_a_response_whose_end_is_never_told_ends_with_its_playback_or_the_next_response() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.want_response()
    assert requests(dialogue.played("r1")) == ["response_2"]
    dialogue.response_started(ResponseStarted("r2", "response_2"))
    dialogue.response_started(ResponseStarted("r3", None))
    dialogue.want_response()
    assert requests(dialogue.response_ended(ended("r2"))) == []
    assert requests(dialogue.response_ended(ended("r3"))) == ["response_3"]


def test_words_of_ours_come_before_the_models_own() -> None:
    dialogue = greeted()
    dialogue.response_started(ResponseStarted("r1", None))
    dialogue.want_response()
    dialogue.want_response("Time is up.")
    dialogue.want_response()
    (request,) = dialogue.response_ended(ended("r1"))
    assert isinstance(request, RequestResponse)
    assert request.instructions == "Time is up."


def test_after_a_restart_requests_have_new_ids() -> None:
    dialogue = Dialogue()
    dialogue.resume(1_795_000_000.5)
    assert dialogue.want_response() == []
    assert requests(dialogue.go_on()) == ["response_1795000001"]
