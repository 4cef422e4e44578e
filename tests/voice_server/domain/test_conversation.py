from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from services.voice_server.domain.conversation import PATIENCE_SECONDS, Conversation
from services.voice_server.domain.record import Draft
from shared.events import Speaker, TurnData
from shared.transcript import in_order

START = 1_795_000_000.0
USER, ASSISTANT = Speaker.CALLER, Speaker.ASSISTANT


@dataclass
class Told:
    """All that is told of one item, in the order in which it is told, and what must come of it."""

    item_id: str
    speaker: Speaker | None
    steps: list[tuple[str, str]]
    content: str = ""
    is_cut: bool = False
    at: int = field(default=0, init=False)

    @property
    def response_id(self) -> str:
        return f"response of {self.item_id}"


def caller(item_id: str, deltas: int, early: int, end: str) -> Told:
    """Tell of a caller's turn; some of its text may be known before the item is."""
    grown = [f"{item_id}:{number} " for number in range(deltas)]
    steps = [("grow", text) for text in grown]
    steps.insert(min(early, deltas), ("add", ""))
    text = {"heard": f"{item_id} in full", "silence": "  "}.get(end, "".join(grown).strip())
    if end != "open":
        steps.append(("fail", "") if end == "failed" else ("transcribe", text))
    return Told(item_id, USER, steps, text.strip(), is_cut=end == "open")


def assistant(item_id: str, deltas: int, early: int, end: str) -> Told:
    """Tell of a turn of the assistant's: played, cut off in mid-sentence or later, or left open."""
    grown = [f"{item_id}:{number} " for number in range(deltas)]
    full = f"{item_id} in full"
    steps = [("assign", ""), ("add", ""), *(("grow", text) for text in grown)]
    if end == "cut":
        kept = grown[:early]
        steps.insert(2 + len(kept), ("cut", ""))
        return Told(item_id, ASSISTANT, [*steps, ("write", full)], "".join(kept).strip(), is_cut=True)
    if end == "open":
        return Told(item_id, ASSISTANT, steps, "".join(grown).strip(), is_cut=True)
    last = {"heard": "play", "silence": "clear", "failed": "cut"}[end]
    return Told(item_id, ASSISTANT, [*steps, ("write", full), (last, "")], full)


def hidden(item_id: str, *_: object) -> Told:
    """Tell of an item that nobody speaks: a tool call, its output, a note of the system's."""
    return Told(item_id, None, [("add", "")])


@st.composite
def conversations(draw: st.DrawFn) -> list[Told]:
    """Draw items in the order of the conversation."""
    kinds: st.SearchStrategy[Callable[..., Told]] = st.sampled_from([caller, assistant, hidden])
    ends = st.sampled_from(["heard", "heard", "silence", "failed", "cut", "open"])
    shapes = draw(
        st.lists(st.tuples(kinds, st.integers(0, 3), st.integers(0, 3), ends), min_size=3, max_size=7)
    )
    return [kind(f"item_{place}", *shape) for place, (kind, *shape) in enumerate(shapes)]


class Teller:
    """Tell a conversation item by item: announced in order, everything else interleaved at will."""

    def __init__(self, items: list[Told], conversation: Conversation) -> None:
        self.items = items
        self.conversation = conversation
        self.now = START
        self.published: list[TurnData] = []
        self.finished_at: dict[str, float] = {}
        self.restarted = False

    def tell(self, item: Told, seconds: float) -> None:
        """Tell the next thing of an item, so many seconds later."""
        if item.at == len(item.steps):
            return
        if item.steps[item.at][0] == "add":
            for other in self.items[: self.items.index(item)]:
                while ("add", "") in other.steps[other.at :]:
                    self.tell(other, 0)
        self._pass_time(self.now + seconds)
        kind, text = item.steps[item.at]
        item.at += 1
        self._do(item, kind, text)
        self.release()

    def tell_all(self) -> None:
        """Tell the rest, item by item."""
        for item in self.items:
            while item.at < len(item.steps):
                self.tell(item, 0)

    def release(self) -> list[TurnData]:
        """Take out what can go, and see that it did not have to wait for too long."""
        turns = self.conversation.release(self.now)
        for turn in turns:
            # Which response an item belongs to may be forgotten in a restart, and with it when it was played.
            assert (
                self.restarted or self.now <= self.finished_at.get(turn.item_id, self.now) + PATIENCE_SECONDS
            )
        self.published += turns
        return turns

    @property
    def transcript(self) -> list[str]:
        """The transcript as any reader of the events arranges it."""
        wire = [turn.model_dump(mode="json") for turn in self.published]
        return [turn["itemId"] for turn in in_order(wire)]

    def _pass_time(self, until: float) -> None:
        while (wake_at := self.conversation.wake_at) is not None and wake_at <= until:
            self.now = max(self.now, wake_at)
            assert self.release(), "woken for nothing"
        self.now = until

    def _do(self, item: Told, kind: str, text: str) -> None:
        talk, now = self.conversation, self.now
        place = self.items.index(item)
        if kind == "add":
            previous = self.items[place - 1].item_id if place else None
            talk.add(item.item_id, previous, item.speaker, now)
        elif kind == "assign":
            talk.assign(item.item_id, item.response_id)
        elif kind == "grow":
            so_far = talk.grow(item.item_id, item.speaker or ASSISTANT, text)
            assert so_far is None or so_far.content.endswith(text.strip())
        elif kind == "write":
            talk.write(item.item_id, text)
        else:
            self.finished_at.setdefault(item.item_id, now)
            if kind == "transcribe":
                talk.transcribe(item.item_id, text, now)
            elif kind == "fail":
                talk.transcribe(item.item_id, None, now)
            elif kind == "cut":
                talk.cut(item.item_id, now)
            else:
                talk.played(item.response_id, cut=kind == "clear", at=now)


GAPS = st.sampled_from([0, 0, 0.01, 0.5, 2.9, PATIENCE_SECONDS, 10])
ORDERS = st.lists(st.tuples(st.integers(0, 6), GAPS), max_size=50)


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
        ("a", None),
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
    assert (turn.content, turn.previous_item_id) == ("Weather?", None)


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
    assert (turn.item_id, turn.previous_item_id) == ("question", None)
