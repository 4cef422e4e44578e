"""The item graph: who said what, in the order it was spoken.

OpenAI announces items in the order of the conversation (`previous_item_id`), but what was said becomes
known in any order: the caller's words usually after the reply to them has begun. A turn is therefore held
back until all before it are finished, though never for long.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.voice_server.domain.record import Draft
from shared.events import ROOT, Speaker, TurnData

PATIENCE_SECONDS = 3.0
"""How long a finished turn waits for an unfinished one before it."""


@dataclass(slots=True, eq=False)
class _Item:
    item_id: str
    speaker: Speaker
    spoken: bool = True
    response_id: str | None = None
    text: str = ""
    written: bool = False
    finished_at: float | None = None
    interrupted: bool = False
    published: bool = False

    @property
    def in_the_way(self) -> bool:
        """Tell whether later turns have to wait for this one."""
        return self.spoken and self.finished_at is None

    @property
    def can_go(self) -> bool:
        """Tell whether there is something to publish."""
        return self.spoken and not self.published and self.finished_at is not None and bool(self.text.strip())


class Conversation:
    """Collect the turns of one call and release each once, finished and in order.

    Args:
        published: the ids of the items released before a restart, in order; they are not released again.
        drafts: the turns that were known of, but not released, before a restart.
    """

    def __init__(self, published: Sequence[str] = (), drafts: Sequence[Draft] = ()) -> None:
        said = [_Item(item_id, Speaker.ASSISTANT, finished_at=0, published=True) for item_id in published]
        self._order = said
        self._items = {item.item_id: item for item in said}
        self._placed = set(self._items)
        self._done = len(said)
        self._drafts: tuple[Draft, ...] | None = None
        for draft in drafts:
            self._restore(draft)

    def add(self, item_id: str, previous_item_id: str | None, speaker: Speaker | None, at: float) -> None:
        """Place an item behind another one. A repeat changes nothing.

        A predecessor never heard of was missed: its place is kept, should we be told of it again.
        """
        if item_id in self._placed:
            return
        if previous_item_id and not self.knows(previous_item_id):
            self._item(previous_item_id, Speaker.ASSISTANT).spoken = False
            self._placed.add(previous_item_id)
        item = self._item(item_id, speaker or Speaker.ASSISTANT)
        item.speaker, item.spoken = speaker or item.speaker, speaker is not None
        self._placed.add(item_id)
        self._drafts = None
        self._done = min(self._done, self._order.index(item))
        self._order.remove(item)
        previous = None if previous_item_id == item_id else self._items.get(previous_item_id or "")
        place = self._order.index(previous) + 1 if previous else len(self._order)
        self._order.insert(place, item)
        self._done = min(self._done, place)
        if speaker is Speaker.CALLER:
            self._finish_written_before(place, at)

    def knows(self, item_id: str) -> bool:
        """Tell whether an item has been heard of."""
        return item_id in self._items

    def retrieve(self, item_id: str, speaker: Speaker, text: str, at: float) -> None:
        """Fill in a turn whose events were missed."""
        item = self._item(item_id, speaker)
        if item.spoken and speaker is Speaker.ASSISTANT:
            self.write(item_id, text)
        elif item.finished_at is None:
            item.speaker, item.spoken, item.text = speaker, True, text
            self._done = min(self._done, self._order.index(item))
            self._finish(item, at)

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The turns that are known of, but have not been released."""
        if self._drafts is None:
            self._drafts = tuple(
                Draft(
                    item_id=item.item_id,
                    previous_item_id=self._before(item, self._survives),
                    speaker=item.speaker,
                    response_id=item.response_id,
                    text=item.text if item.written else "",
                    finished=item.finished_at is not None,
                    interrupted=item.interrupted,
                )
                for item in self._order[self._done :]
                if self._survives(item) and not item.published
            )
        return self._drafts

    def assign(self, item_id: str, response_id: str) -> None:
        """Note which response an item belongs to."""
        self._item(item_id, Speaker.ASSISTANT).response_id = response_id
        self._drafts = None

    def grow(self, item_id: str, speaker: Speaker, text: str) -> TurnData | None:
        """Append to a turn's text and return the turn so far; None once all its text is known."""
        item = self._spoken(item_id, speaker)
        if item.written or item.published:
            return None
        item.text += text
        return self._turn(item)

    def write(self, item_id: str, text: str) -> None:
        """Set the assistant's whole text. The turn is finished when it has been played."""
        item = self._spoken(item_id, Speaker.ASSISTANT)
        if not item.written:
            item.text, item.written = text, True
            self._drafts = None

    def transcribe(self, item_id: str, text: str | None, at: float) -> None:
        """Set the caller's words and finish the turn; with None what was heard so far stands."""
        item = self._spoken(item_id, Speaker.CALLER)
        if item.finished_at is None:
            item.text = item.text if text is None else text
            self._finish(item, at)

    def cut(self, item_id: str, at: float) -> None:
        """Finish a turn of the assistant that the caller did not let it end."""
        item = self._item(item_id, Speaker.ASSISTANT)
        if item.finished_at is None:
            item.interrupted = True
            self._finish(item, at)

    def played(self, response_id: str, *, cut: bool, at: float) -> None:
        """Finish the turns of a response: the caller has heard them, or (`cut`) a part of them."""
        for item in self._order[self._done :]:
            if item.response_id == response_id and item.finished_at is None:
                item.interrupted = cut
                self._finish(item, at)

    def release(self, at: float) -> list[TurnData]:
        """Take out the turns that can be published now, in the order of the conversation."""
        in_order, end = True, self._done
        for index, item in enumerate(self._order[self._done :], self._done):
            in_order = in_order and not item.in_the_way
            if in_order or (item.finished_at is not None and at >= item.finished_at + PATIENCE_SECONDS):
                end = index + 1
        turns = [self._publish(item) for item in self._order[self._done : end] if item.can_go]
        while self._done < len(self._order) and not self._order[self._done].in_the_way:
            self._done += 1
        return turns

    def flush(self, at: float) -> list[TurnData]:
        """Finish everything, marking what was still being said as interrupted, and take it out."""
        for item in self._order[self._done :]:
            if item.in_the_way:
                item.interrupted = True
                self._finish(item, at)
        return self.release(at)

    @property
    def wake_at(self) -> float | None:
        """When a turn has waited long enough; None while none waits."""
        waiting = [item.finished_at or 0 for item in self._order[self._done :] if item.can_go]
        return min(waiting) + PATIENCE_SECONDS if waiting else None

    def _restore(self, draft: Draft) -> None:
        item = _Item(draft.item_id, draft.speaker, response_id=draft.response_id, text=draft.text)
        item.written, item.interrupted = bool(draft.text), draft.interrupted
        item.finished_at = 0 if draft.finished else None
        previous = self._items.get(draft.previous_item_id)
        place = self._order.index(previous) + 1 if previous else 0
        self._order.insert(place, item)
        self._items[draft.item_id] = item
        self._placed.add(draft.item_id)
        self._done = min(self._done, place)

    def _survives(self, item: _Item) -> bool:
        # One that is not placed yet is announced again, or missed and then asked for.
        open_or_said = item.published or item.in_the_way or item.can_go
        return open_or_said and item.item_id in self._placed

    def _before(self, item: _Item, wanted: Callable[[_Item], bool]) -> str:
        before = (self._order[index] for index in range(self._order.index(item) - 1, -1, -1))
        return next((other.item_id for other in before if wanted(other)), ROOT)

    def _item(self, item_id: str, speaker: Speaker) -> _Item:
        if item_id not in self._items:
            self._items[item_id] = _Item(item_id, speaker)
            place = self._place_unannounced(speaker)
            self._order.insert(place, self._items[item_id])
            self._done = min(self._done, place)
        return self._items[item_id]

    def _place_unannounced(self, speaker: Speaker) -> int:
        # The caller's words lag behind the reply. If both announcements were missed, they go in front of it.
        place = len(self._order)
        for index in range(place - 1, -1, -1):
            item = self._order[index]
            if speaker is Speaker.ASSISTANT or item.speaker is Speaker.CALLER:
                break
            if item.spoken and item.item_id not in self._placed:
                place = index
        # One whose own words are still to come is what that reply answers.
        is_answered = place and self._order[place - 1].speaker is Speaker.CALLER
        return len(self._order) if is_answered and self._order[place - 1].in_the_way else place

    def _spoken(self, item_id: str, speaker: Speaker) -> _Item:
        # Words are the proof that an item whose announcement was missed is a turn.
        item = self._item(item_id, speaker)
        if not item.spoken:
            item.speaker, item.spoken = speaker, True
            self._done = min(self._done, self._order.index(item))
            self._drafts = None
        return item

    def expects_playback(self, response_id: str) -> bool:
        """Tell whether a response has words that the caller has not heard to the end."""
        return any(item.response_id == response_id and item.in_the_way for item in self._order[self._done :])

    def has_words(self, response_id: str) -> bool:
        """Tell whether the assistant says something in a response."""
        return any(item.response_id == response_id and item.text for item in self._order)

    def _finish(self, item: _Item, at: float) -> None:
        item.written = True
        item.finished_at = at
        self._drafts = None

    def _finish_written_before(self, place: int, at: float) -> None:
        # The end of a playback can get lost. A caller who speaks has the floor: what was said before is over.
        for item in self._order[self._done : place]:
            if item.speaker is Speaker.ASSISTANT and item.written and item.in_the_way:
                self._finish(item, at)

    def _publish(self, item: _Item) -> TurnData:
        turn = self._turn(item)
        item.published = True
        self._drafts = None
        return turn

    def _turn(self, item: _Item) -> TurnData:
        return TurnData(
            speaker=item.speaker,
            content=item.text.strip(),
            item_id=item.item_id,
            previous_item_id=self._before(item, lambda other: other.published),
            interrupted=item.interrupted,
        )
