from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.domain.conversation import PATIENCE_SECONDS, Conversation
from services.voice_server.domain.record import Draft
from shared.events import ROOT
from tests.voice_server.domain.teller import ASSISTANT, ORDERS, START, USER, Teller, Told, conversations


@settings(deadline=None)
@given(items=conversations(), order=ORDERS)
def test_in_whatever_order_it_becomes_known_the_transcript_is_the_conversation(
    items: list[Told], order: list[tuple[int, float]]
) -> None:
    teller = Teller(items, Conversation())
    for place, seconds in order:
        teller.tell(items[place % len(items)], seconds)
    teller.tell_all()
    teller.published += teller.conversation.flush(teller.now)

    assert teller.transcript == [item.item_id for item in items if item.content]
    turns = {turn.item_id: turn for turn in teller.published}
    assert len(turns) == len(teller.published)
    for item in items:
        if turn := turns.get(item.item_id):
            assert (turn.speaker, turn.content) == (item.speaker, item.content)
            # A caller who speaks ends what was said before, so a later cut may find nothing to cut.
            is_last_word = item.steps[-1][0] in {"cut", "clear"}
            assert turn.interrupted == item.is_cut or is_last_word
    assert teller.conversation.wake_at is None
    assert not teller.conversation.drafts


@settings(deadline=None)
@given(items=conversations(), order=ORDERS, crash=st.integers(0, 50))
def test_after_a_restart_no_turn_is_published_again_and_the_order_stands(
    items: list[Told], order: list[tuple[int, float]], crash: int
) -> None:
    teller = Teller(items, Conversation())
    for step, (place, seconds) in enumerate(order):
        if step == crash:
            drafts = [Draft.model_validate_json(d.model_dump_json()) for d in teller.conversation.drafts]
            teller.conversation = Conversation(teller.transcript, drafts)
            teller.restarted = True
            for item in items:
                if ("cut", "") in item.steps[: item.at]:
                    item.at = len(item.steps)  # nothing more comes of it on another sideband
        teller.tell(items[place % len(items)], seconds)
    teller.tell_all()
    teller.published += teller.conversation.flush(teller.now)

    texts_known = {"transcribe", "write"}
    must = {i.item_id for i in items if i.content and i.steps[-1][0] in {*texts_known, "play", "clear"}}
    must -= {i.item_id for i in items if i.speaker is ASSISTANT and ("cut", "") in i.steps}
    assert teller.transcript == [i.item_id for i in items if i.item_id in teller.transcript]
    assert must <= set(teller.transcript)


def test_words_of_the_caller_go_before_the_reply_when_a_gap_took_both_announcements() -> None:
    talk = Conversation()
    talk.add("greeting", None, ASSISTANT, START)
    talk.write("greeting", "Hi.")
    talk.grow("reply", ASSISTANT, "One ")
    talk.transcribe("question", "What is new?", START)
    talk.add("tool_call", "reply", None, START)
    talk.add("next", "tool_call", USER, START)
    talk.transcribe("next", "Thanks.", START)
    said = [turn.item_id for turn in talk.flush(START)]
    assert said == ["greeting", "question", "reply", "next"]


def test_a_gap_that_took_more_than_one_turn_leaves_the_rest_in_order() -> None:
    talk = Conversation()
    talk.add("first", None, USER, START)
    talk.transcribe("first", "Hello?", START)
    talk.grow("reply", ASSISTANT, "One ")
    talk.transcribe("last", "And?", START)
    assert [turn.item_id for turn in talk.flush(START)] == ["first", "last", "reply"]


def test_a_turn_the_caller_begins_comes_after_a_reply_whose_announcement_was_missed() -> None:
    talk = Conversation()
    talk.add("question", None, USER, START)
    talk.grow("question", USER, "What")
    talk.grow("reply", ASSISTANT, "One ")
    talk.grow("more", USER, "And")
    assert [turn.item_id for turn in talk.flush(START)] == ["question", "reply", "more"]


def test_a_turn_waits_for_the_one_before_it() -> None:
    talk = Conversation()
    talk.add("question", None, USER, START)
    talk.add("answer", "question", ASSISTANT, START)
    talk.assign("answer", "r")
    talk.write("answer", "Rain.")
    talk.played("r", cut=False, at=START)
    assert talk.release(START + 2.9) == []
    talk.transcribe("question", "Weather?", START + 2.9)
    assert [turn.item_id for turn in talk.release(START + 2.9)] == ["question", "answer"]


def test_a_turn_that_came_too_late_names_the_one_it_belongs_behind() -> None:
    talk = Conversation()
    for item_id, previous in (("a", None), ("b", "a"), ("c", "b")):
        talk.add(item_id, previous, USER, START)
    talk.transcribe("a", "first", START)
    talk.transcribe("c", "third", START)
    early = talk.release(START + PATIENCE_SECONDS)
    talk.transcribe("b", "second", START + 9)
    (late,) = talk.release(START + 9)
    assert [(turn.item_id, turn.previous_item_id) for turn in [*early, late]] == [
        ("a", ROOT),
        ("c", "a"),
        ("b", "a"),
    ]


def test_text_that_is_known_before_its_item_loses_nobody_a_turn() -> None:
    talk = Conversation()
    talk.transcribe("question", "Hello?", START)
    assert [turn.item_id for turn in talk.release(START)] == ["question"]
    talk.add("greeting", None, ASSISTANT, START)
    talk.add("question", "greeting", USER, START)
    talk.write("greeting", "Hi.")
    assert [turn.item_id for turn in talk.flush(START)] == ["greeting"]


def test_what_is_told_twice_counts_once() -> None:
    talk = Conversation()
    talk.add("a", None, ASSISTANT, START)
    talk.add("a", "nowhere", USER, START)
    talk.write("a", "Hello.")
    talk.write("a", "Hello again.")
    talk.cut("a", START)
    talk.cut("a", START + 1)
    talk.transcribe("a", "no", START + 1)
    (turn,) = talk.release(START)
    assert (turn.speaker, turn.content, turn.interrupted) == (ASSISTANT, "Hello.", True)
    assert talk.grow("a", ASSISTANT, "more") is None
    assert talk.release(START + 9) == []


def test_a_missed_item_keeps_its_place_and_is_filled_in_when_it_is_told_again() -> None:
    talk = Conversation()
    talk.add("answer", "missed", ASSISTANT, START)
    talk.write("answer", "It is raining.")
    talk.cut("answer", START)
    assert talk.knows("missed")
    assert [turn.item_id for turn in talk.release(START)] == ["answer"]
    talk.retrieve("missed", USER, "Weather?", START + 1)
    talk.retrieve("missed", USER, "Weather, again?", START + 1)
    (turn,) = talk.release(START + 1)
    assert (turn.content, turn.previous_item_id) == ("Weather?", ROOT)


def test_a_retrieved_turn_of_the_assistant_is_still_being_spoken() -> None:
    talk = Conversation()
    talk.add("a", None, ASSISTANT, START)
    talk.retrieve("a", ASSISTANT, "All of it.", START)
    assert talk.release(START + 9) == []
    talk.add("b", "a", USER, START + 9)
    assert [turn.content for turn in talk.release(START + 9)] == ["All of it."]


def test_a_finished_turn_does_not_wait_for_ever_after_a_restart() -> None:
    before = Conversation()
    before.add("question", None, USER, START)
    before.add("answer", "question", ASSISTANT, START)
    before.write("answer", "Rain.")
    before.cut("answer", START)
    after = Conversation([], before.drafts)
    assert after.wake_at is not None
    assert after.wake_at <= START
    assert [turn.item_id for turn in after.release(START + 4)] == ["answer"]


def test_a_turn_left_open_by_a_restart_goes_back_to_where_it_was() -> None:
    before = Conversation()
    before.add("question", None, USER, START)
    before.add("tool", "question", None, START)
    before.add("answer", "tool", ASSISTANT, START)
    before.write("answer", "Rain.")
    before.cut("answer", START)
    assert [turn.item_id for turn in before.release(START + 4)] == ["answer"]
    after = Conversation(["answer"], before.drafts)
    after.transcribe("question", "Weather?", START + 5)
    (turn,) = after.release(START + 5)
    assert (turn.item_id, turn.previous_item_id) == ("question", ROOT)


def test_the_words_of_a_missed_item_go_where_it_was_spoken() -> None:
    talk = Conversation()
    talk.add("answer", "missed", ASSISTANT, START)
    talk.write("answer", "I will.")
    talk.transcribe("missed", "Call my mother, please.", START + 1)
    turns = talk.flush(START + 9)
    assert [(turn.item_id, turn.speaker) for turn in turns] == [("missed", USER), ("answer", ASSISTANT)]
