"""The order of a transcript: turns as they were spoken, not as they became known."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Turn = TypeVar("Turn", bound=Mapping[str, Any])


def in_order(published: Iterable[Turn]) -> list[Turn]:
    """Arrange turns, given in the order they were published, by `previousItemId`.

    A turn goes directly behind the one it names; one that names none goes first, since nothing had been
    published before it in the conversation. A name that is not known says nothing: the turn goes to the end.
    """
    turns: list[Turn] = []
    for turn in published:
        previous = turn["previousItemId"]
        known = [index for index, other in enumerate(turns) if other["itemId"] == previous]
        end = len(turns)
        turns.insert(0 if previous is None else known[0] + 1 if known else end, turn)
    return turns
