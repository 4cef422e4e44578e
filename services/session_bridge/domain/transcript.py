"""A transcript as OpenClaw keeps it: turns in the order they were spoken, as lines of a session file.

The shape was tried on real releases. What matters: every line has `id` and `parentId`, an assistant line has
`usage`, and a block ends on an assistant line (OpenClaw drops a user line nobody answered, and wipes a file
without an assistant). Two lines of one speaker in a row are fine, so a turn is a line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from shared.events import Speaker, iso
from shared.transcript import Turn, in_order

LONGEST_ROW = 8000
"""UTF-16 units of a row's text; a gateway drops the rest without a word."""

CLOSING = "(The call ended.)"
INTERRUPTED = " …[interrupted]"

_OURS = UUID("6f6a4f0e-2b0d-5c1f-9a37-7f5d3c1e8b42")
_NO_USAGE: dict[str, Any] = {
    "input": 0,
    "output": 0,
    "cacheRead": 0,
    "cacheWrite": 0,
    "totalTokens": 0,
    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0},
}
# Names of its own: lines of provider `openclaw`, model `delivery-mirror` are filtered out by 2026.7.35.
_AUTHOR: dict[str, Any] = {"api": "openai-completions", "provider": "voice", "model": "realtime-voice"}


@dataclass(frozen=True, slots=True)
class Message:
    """One line to be; `id` is the same whenever the same call is written."""

    id: str
    speaker: Speaker
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """A call's messages for its OpenClaw conversation, unchanged from the first attempt on.

    `store` and `place` say where they were to go when the last attempt began.
    """

    call_id: str
    session_key: str
    messages: tuple[Message, ...]
    store: str | None = None
    place: str | None = None


def messages(call_id: str, turns: Iterable[Turn]) -> tuple[Message, ...]:
    """Make the messages of a call: blank turns dropped, none if nothing was said, the last an assistant's."""
    said = [
        Message(
            str(uuid5(_OURS, f"{call_id}/{turn.item_id}")),
            turn.speaker,
            spoken(turn.content) + INTERRUPTED * turn.interrupted,
            turn.at,
        )
        for turn in in_order(turns)
        if spoken(turn.content)
    ]
    if said and said[-1].speaker is Speaker.CALLER:
        closing = str(uuid5(_OURS, f"{call_id}/"))
        said.append(Message(closing, Speaker.ASSISTANT, CLOSING, said[-1].at))
    return tuple(said)


def spoken(text: str) -> str:
    """Trim a text as OpenClaw does, to which a byte order mark is a blank, too."""
    return text.strip().strip("\ufeff").strip()


def pieces(message: Message) -> Iterator[tuple[str, str]]:
    """Cut a message into rows that a gateway keeps whole: id and text of each, the first under its own id."""
    units = message.text.encode("utf-16-le")
    start = number = 0
    while start < len(units):
        end = start + 2 * LONGEST_ROW
        if end < len(units) and 0xD8 <= units[end - 1] <= 0xDB:
            end -= 2  # Between the halves of a character is no place to cut.
        text = units[start:end].decode("utf-16-le")
        if spoken(text):
            yield f"{message.id}-{number}" if number else message.id, text
        start, number = end, number + 1


def session_id(session_key: str, call_id: str) -> str:
    """Name the OpenClaw session a call begins where there is none: the same at each attempt."""
    return str(uuid5(_OURS, f"{session_key}/{call_id}"))


def header(session_id: str, cwd: str, at: datetime) -> dict[str, Any]:
    """Make the first line of a session file (format 3)."""
    return {"type": "session", "version": 3, "id": session_id, "timestamp": iso(at), "cwd": cwd}


def line(message: Message, parent_id: str | None) -> dict[str, Any]:
    """Make a message's line; `parent_id` is the id of the line before, None for the first."""
    spoken: dict[str, Any] = {
        "role": message.speaker.value,
        "content": [{"type": "text", "text": message.text}],
        "timestamp": int(message.at.timestamp() * 1000),
    }
    if message.speaker is Speaker.ASSISTANT:
        spoken |= _AUTHOR | {"usage": _NO_USAGE, "stopReason": "stop"}
    return {
        "type": "message",
        "id": message.id,
        "parentId": parent_id,
        "timestamp": iso(message.at),
        "message": spoken,
    }
