"""What can happen to the frames of a call on their way: a spoiler makes of one frame what really goes out."""

from collections.abc import Callable
from typing import Any

import orjson

Body = dict[str, Any]
Wire = Body | str | bytes
"""A frame as it goes out: a body, or what is no frame of OpenAI's at all."""

Spoiler = Callable[[Body], list[Wire]]

_TRANSCRIPTION = "conversation.item.input_audio_transcription"
_HUGE_BYTES = 20 * 1024 * 1024
_BETA = {
    "response.output_audio_transcript": "response.audio_transcript",
    "response.output_audio": "response.audio",
    "response.output_text": "response.text",
    "conversation.item.added": "conversation.item.created",
}


def unspoiled(body: Body) -> list[Wire]:
    """Let a frame go out as it is."""
    return [body]


def repeated(kind: str) -> Spoiler:
    """Send each frame of a type twice."""
    return lambda body: [body] * (2 if body["type"] == kind else 1)


def missing(*kinds: str) -> Spoiler:
    """Send no frame of these types."""
    return lambda body: [] if body["type"] in kinds else [body]


def with_junk(junk: Callable[[], list[Wire]], kind: str, *, once: bool = False) -> Spoiler:
    """Send something more after each frame of a type, or after the first of them."""
    left = [1 if once else -1]

    def spoil(body: Body) -> list[Wire]:
        if body["type"] != kind or not left[0]:
            return [body]
        left[0] -= 1
        return [body, *junk()]

    return spoil


def strangers() -> list[Wire]:
    """Make an event of a type that nobody knows."""
    return [{"type": "response.mood.updated", "event_id": "event_new", "mood": {"joy": 1}}]


def garbage() -> list[Wire]:
    """Make text frames that are no events."""
    return [
        '{"type": "response.do',
        "[]",
        "null",
        '{"type": 7}',
        '{"event_id": "e"}',
        '{"type": "response.done"}',
        "",
    ]


def binary() -> list[Wire]:
    """Make binary frames."""
    return [b"\x00\xff\xfe", b"", b'{"type": "response.done", "response": 5}']


def huge() -> list[Wire]:
    """Make one frame of 20 MB."""
    part = {"type": "audio", "audio": "A" * _HUGE_BYTES, "transcript": None}
    item = {"id": "item_huge", "type": "message", "role": "assistant", "content": [part]}
    event = {"type": "conversation.item.retrieved", "event_id": "event_huge", "item": item}
    return [orjson.dumps(event).decode()]


def held_back(held: Callable[[Body], bool], until: str) -> Spoiler:
    """Hold back the frames that match until after the next one of a type."""
    waiting: list[Wire] = []

    def spoil(body: Body) -> list[Wire]:
        if held(body):
            waiting.append(body)
            return []
        if body["type"] != until:
            return [body]
        late, waiting[:] = list(waiting), []
        return [body, *late]

    return spoil


def is_cancelled_done(body: Body) -> bool:
    """Tell the end of a response that was cut."""
    return bool(body["type"] == "response.done" and body["response"]["status"] == "cancelled")


def is_transcript(body: Body) -> bool:
    """Tell the end of a transcription."""
    return bool(body["type"] == f"{_TRANSCRIPTION}.completed")


def transcript_failed(body: Body) -> list[Wire]:
    """Say that what the caller said cannot be made out."""
    if not is_transcript(body):
        return [body]
    error = {
        "type": "transcription_error",
        "code": "audio_unintelligible",
        "message": "The audio could not be transcribed.",
        "param": None,
    }
    kept = {name: body[name] for name in ("event_id", "item_id", "content_index")}
    return [{"type": f"{_TRANSCRIPTION}.failed", **kept, "error": error}]


def transcript_empty(body: Body) -> list[Wire]:
    """Say that the caller said nothing."""
    return [body | {"transcript": ""}] if is_transcript(body) else [body]


def usage_bare(body: Body) -> list[Wire]:
    """Tell the tokens of a response without their modalities."""
    if body["type"] != "response.done":
        return [body]
    totals = {name: count for name, count in body["response"]["usage"].items() if isinstance(count, int)}
    return [body | {"response": body["response"] | {"usage": totals}}]


def beta(body: Body) -> list[Wire]:
    """Use the names from before general availability."""
    for present, former in _BETA.items():
        if body["type"].startswith(present):
            return [body | {"type": former + body["type"].removeprefix(present)}]
    return [] if body["type"] == "conversation.item.done" else [body]


def with_new_fields(body: Body) -> list[Wire]:
    """Add a field that nobody knows."""
    return [body | {"weather": {"sunny": True}}]


NO_TRANSCRIPT = missing(f"{_TRANSCRIPTION}.completed", f"{_TRANSCRIPTION}.delta")
