from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.session_bridge.domain.transcript import CLOSING, Turn, block, header, in_order, line, session_id
from shared.events import Speaker
from tests.session_bridge.calls import CALL, START, turns

texts = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.sampled_from(["hello", "", " ", "yes /", "no"])),
    max_size=8,
).map(lambda pairs: turns(*(f"{speaker}: {text}" for speaker, text in pairs)))


@given(texts)
def test_a_block_has_every_spoken_turn_once_and_ends_on_the_assistant(spoken: list[Turn]) -> None:
    messages = block(CALL, spoken)
    said = [turn.content for turn in spoken if turn.content.strip()]
    assert [message.text.split(" …")[0] for message in messages if message.text != CLOSING] == said
    assert not messages or messages[-1].speaker is Speaker.ASSISTANT
    assert bool(messages) == bool(said)


@given(texts)
def test_a_block_is_the_same_whenever_it_is_made(spoken: list[Turn]) -> None:
    ids = [message.id for message in block(CALL, spoken)]
    assert ids == [message.id for message in block(CALL, list(spoken))]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {message.id for message in block("CA2", spoken)}


@given(st.permutations(turns(*(f"user: {place}" for place in range(6)))))
def test_turns_that_came_in_any_order_stand_in_the_order_they_were_spoken(arrived: list[Turn]) -> None:
    assert [turn.content for turn in in_order(arrived)] == list("012345")


@given(texts, st.data())
def test_no_turn_is_lost_whatever_it_names_as_the_one_before(spoken: list[Turn], data: st.DataObject) -> None:
    names = st.sampled_from([None, "item_x", *(turn.item_id for turn in spoken)])
    tangled = [replace(turn, previous_item_id=data.draw(names)) for turn in spoken]
    assert sorted(turn.item_id for turn in in_order(tangled)) == sorted(turn.item_id for turn in spoken)


def test_a_late_turn_is_placed_before_its_answer_though_a_tool_call_stood_between() -> None:
    first, question, answer = turns("assistant: hi", "user: why", "assistant: because")
    question = replace(question, previous_item_id="item_tool")
    assert in_order([first, answer, question]) == [first, question, answer]


def test_a_turn_published_twice_is_written_once() -> None:
    (turn,) = turns("assistant: hi")
    assert in_order([turn, turn]) == [turn]


def test_an_interrupted_turn_says_so() -> None:
    assert block(CALL, turns("assistant: well, I /"))[0].text == "well, I …[interrupted]"


def test_an_assistant_line_has_the_usage_without_which_openclaw_breaks_the_session() -> None:
    user, assistant = (line(message, None)["message"] for message in block(CALL, turns("user: hi")))
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
