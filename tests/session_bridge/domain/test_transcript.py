from hypothesis import given
from hypothesis import strategies as st

from services.session_bridge.domain.transcript import CLOSING, header, line, messages, session_id
from shared.events import Speaker
from shared.transcript import Turn
from tests.session_bridge.calls import CALL, START, turns

texts = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from(["hello", "", " ", "yes /", "no"])),
    max_size=8,
).map(lambda pairs: turns(*(f"{speaker}: {text}" for speaker, text in pairs)))


@given(texts)
def test_a_block_has_every_spoken_turn_once_and_ends_on_the_assistant(spoken: list[Turn]) -> None:
    made = messages(CALL, spoken)
    said = [turn.content for turn in spoken if turn.content.strip()]
    assert [message.text.split(" …")[0] for message in made if message.text != CLOSING] == said
    assert not made or made[-1].speaker is Speaker.ASSISTANT
    assert bool(made) == bool(said)


@given(texts)
def test_a_block_is_the_same_whenever_it_is_made(spoken: list[Turn]) -> None:
    ids = [message.id for message in messages(CALL, spoken)]
    assert ids == [message.id for message in messages(CALL, list(spoken))]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {message.id for message in messages("CA2", spoken)}


def test_an_interrupted_turn_says_so() -> None:
    assert messages(CALL, turns("assistant: well, I /"))[0].text == "well, I …[interrupted]"


def test_an_assistant_line_has_the_usage_without_which_openclaw_breaks_the_session() -> None:
    user, assistant = (line(message, None)["message"] for message in messages(CALL, turns("user: hi")))
    assert "usage" not in user
    assert assistant["usage"]["totalTokens"] == 0
    assert (assistant["provider"], assistant["model"]) == ("voice", "realtime-voice")


def test_a_new_session_has_the_same_name_at_each_attempt() -> None:
    assert session_id("agent:main:main", CALL) == session_id("agent:main:main", CALL)
    assert session_id("agent:main:main", CALL) != session_id("agent:main:main", "CA2")


def test_a_header_has_the_version_without_which_openclaw_numbers_the_lines_anew() -> None:
    assert header("s1", "/w", START) == {
        "type": "session",
        "version": 3,
        "id": "s1",
        "timestamp": "2026-11-22T14:03:11.204Z",
        "cwd": "/w",
    }
