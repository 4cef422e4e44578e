"""The order of a transcript: turns as they were spoken, not as they became known."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.events import ROOT, Speaker, TranscriptUpdate


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said; `previous_item_id` names the turn before, `ROOT`, or nothing."""

    item_id: str
    speaker: Speaker
    content: str
    at: datetime
    previous_item_id: str | None = None
    interrupted: bool = False

    @classmethod
    def of(cls, event: TranscriptUpdate) -> Self:
        """Take the turn out of the event that published it."""
        said = event.data
        return cls(
            said.item_id, said.speaker, said.content, event.timestamp, said.previous_item_id, said.interrupted
        )


def in_order(published: Iterable[Turn]) -> list[Turn]:
    """Arrange turns, given in the order they were published, as they were spoken.

    A turn goes directly behind the one it names, or to the front if it names the root. One that names none,
    or one that is not known, goes to the end. A repeated item is dropped.
    """
    turns: list[Turn] = []
    names: list[str] = [ROOT]
    for turn in published:
        if turn.item_id in names:
            continue
        known = turn.previous_item_id in names
        place = names.index(turn.previous_item_id or "") if known else len(turns)
        turns.insert(place, turn)
        names.insert(place + 1, turn.item_id)
    return turns
