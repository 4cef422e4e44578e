"""Conversations, told in any order that OpenAI might choose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import strategies as st

from services.voice_server.domain.conversation import PATIENCE_SECONDS, Conversation
from shared.events import Speaker, TurnData
from shared.transcript import Turn, in_order

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
        at = datetime.fromtimestamp(self.now, UTC)
        turns = [
            Turn(said.item_id, said.speaker, said.content, at, said.previous_item_id)
            for said in self.published
        ]
        return [turn.item_id for turn in in_order(turns)]

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
