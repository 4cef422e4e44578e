"""The conversation as OpenAI keeps it: items in one order, however late their words become known."""

import secrets
from dataclasses import dataclass, field
from typing import Any

ROOT = "root"


def new_id(kind: str) -> str:
    """Make an id such as `item_0f8b…`."""
    return f"{kind}_{secrets.token_hex(10)}"


@dataclass
class Item:
    """One item; `body` is what the wire shows of it.

    Attributes:
        audio_ms: how long it sounds (0 for text).
        truncated_ms: how much of it was heard, if it was cut.
        told_null: its `conversation.item.done` carries no previous item, as the wire sometimes shows.
    """

    body: dict[str, Any]
    audio_ms: int = 0
    previous_id: str | None = None
    truncated_ms: int | None = None
    told_null: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.body["id"])

    @property
    def words(self) -> str:
        """All that can be read of it."""
        content = self.body.get("content", ())
        parts = [part.get("transcript") or part.get("text") or "" for part in content]
        return " ".join([*parts, self.body.get("arguments", ""), self.body.get("output", "")]).strip()

    @property
    def is_spoken_answer(self) -> bool:
        """Tell whether the model has spoken it."""
        return self.body.get("role") == "assistant" and self.audio_ms > 0

    def as_wire(self) -> dict[str, Any]:
        """Show it as frames do; of a truncated answer the words are gone."""
        if self.truncated_ms is None:
            return dict(self.body)
        return self.body | {"content": [{"type": "output_audio", "transcript": None}]}


@dataclass
class Conversation:
    """The items, first to last."""

    id: str = field(default_factory=lambda: new_id("conv"))
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item, after: str | None = None) -> Item:
        """Add an item at the end, or after another (`root`: at the start); it knows what precedes it."""
        position = len(self.items)
        if after == ROOT:
            position = 0
        elif after is not None:
            position = next(index for index, one in enumerate(self.items, 1) if one.id == after)
        item.previous_id = self.items[position - 1].id if position else None
        self.items.insert(position, item)
        return item

    def find(self, item_id: Any) -> Item | None:
        """Find an item."""
        return next((item for item in self.items if item.id == item_id), None)

    def tool_call(self, tool_call_id: Any) -> Item | None:
        """Find the function call that an output belongs to."""
        return self._of("function_call", tool_call_id)

    def tool_output(self, tool_call_id: Any) -> str | None:
        """Give what the service answered to a function call; None if it has not."""
        item = self._of("function_call_output", tool_call_id)
        return str(item.body["output"]) if item else None

    def _of(self, kind: str, tool_call_id: Any) -> Item | None:
        return next(
            (one for one in self.items if one.body["type"] == kind and one.body["call_id"] == tool_call_id),
            None,
        )
