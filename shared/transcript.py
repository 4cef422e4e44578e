"""The order of a transcript: turns as they were spoken, not as they became known."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.events import Speaker, TranscriptUpdate


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker said; `previous_item_id` names what was said before, if that is known."""

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

    A turn goes directly behind the one it names. One that names none, or one that was never published, goes
    where it came. A repeated item is dropped.
    """
    known: dict[str, Turn] = {}
    for turn in published:
        known.setdefault(turn.item_id, turn)
    followers: dict[str | None, list[Turn]] = {}
    for turn in known.values():
        before = turn.previous_item_id if turn.previous_item_id in known else None
        followers.setdefault(before, []).append(turn)
    arrival = {item_id: place for place, item_id in enumerate(known)}
    chains = [_chain(head, followers) for head in followers.get(None, [])]
    chains.sort(key=lambda chain: min(arrival[turn.item_id] for turn in chain))
    placed = [turn for chain in chains for turn in chain]
    in_a_circle = known.keys() - {turn.item_id for turn in placed}
    return placed + [turn for turn in known.values() if turn.item_id in in_a_circle]


def _chain(head: Turn, followers: dict[str | None, list[Turn]]) -> list[Turn]:
    chain, stack = [], [head]
    while stack:
        chain.append(turn := stack.pop())
        # The last to come is the next to go: it was put between the two that were there.
        stack.extend(followers.get(turn.item_id, []))
    return chain
