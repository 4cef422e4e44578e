"""What the sidebands of a call were told of its words: what a service can know of what was said."""

from collections.abc import Iterable, Mapping
from typing import Any

_PARTS = {
    "response.output_audio_transcript.delta": "assistant",
    "response.audio_transcript.delta": "assistant",
    "conversation.item.input_audio_transcription.delta": "user",
}
_WHOLE = {
    "response.output_audio_transcript.done": "assistant",
    "response.audio_transcript.done": "assistant",
    "conversation.item.input_audio_transcription.completed": "user",
}
_CUT = "conversation.item.truncated"
_RETRIEVED = "conversation.item.retrieved"


def said(order: Iterable[str], sent: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tell of each item which of its words went out, whether all of them, and whether it was cut.

    Args:
        order: the ids of the conversation's items; those that are still being spoken follow.
        sent: the frames that went out.
    """
    items: dict[str, dict[str, Any]] = {}
    for frame in sent:
        kind = frame.get("type", "")
        if speaker := _PARTS.get(kind) or _WHOLE.get(kind):
            new = {"item_id": frame["item_id"], "speaker": speaker, "words": "", "whole": False, "cut": False}
            item = items.setdefault(frame["item_id"], new)
            whole = kind in _WHOLE
            item["words"] = frame["transcript"] if whole else item["words"] + frame["delta"]
            item["whole"] = whole
        elif kind == _RETRIEVED and (words := _words(frame["item"])):
            item_id, speaker = frame["item"]["id"], frame["item"]["role"]
            new = {"item_id": item_id, "speaker": speaker, "cut": False}
            items.setdefault(item_id, new).update(words=words, whole=True)
        elif kind == _CUT and frame["item_id"] in items:
            items[frame["item_id"]]["cut"] = True
    placed = {item_id: items.pop(item_id) for item_id in order if item_id in items}
    return [*placed.values(), *items.values()]


def _words(item: Mapping[str, Any]) -> str:
    return " ".join(part.get("transcript") or "" for part in item.get("content", ())).strip()
