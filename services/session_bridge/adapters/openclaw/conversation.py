"""The conversation in one session file of OpenClaw, read from its end without disturbing it.

The conversation is the walk from the last line up the `parentId`s. Files grow to many MB, most of it results
of tools, so lines that are not on the way are told by their beginning and never parsed.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from services.session_bridge.adapters.openclaw.transcript_file import begun_ms, parsed
from services.session_bridge.domain.said import Said
from shared.events import Speaker

_CHUNK_BYTES = 128 * 1024
_FARTHEST_BYTES = 64 * 1024 * 1024
"""What lies farther back has not just been said."""

_LONGEST_HEADER_BYTES = 16 * 1024
_LAST = ""
"""The place of whatever line the conversation ends on."""

_MESSAGE = re.compile(
    rb'\{"type":"message","id":"([^"\\]+)","parentId":(?:"([^"\\]+)"|null),'
    rb'"timestamp":"[^"\\]*","message":\{"role":"(\w+)"'
)
"""How OpenClaw begins a message's line: its id, its parent's, and who speaks."""


def newest(path: Path, limit: int) -> list[Said]:
    """Read the newest turns of the conversation a file holds, the oldest first; none if it is not there."""
    records = walk(path, within=_FARTHEST_BYTES)
    turns = (turn for record in records if (turn := Said.of(_message(record))) is not None)
    return list(islice(turns, limit))[::-1]


def walk(path: Path, within: int | None = None) -> Iterator[dict[str, Any]]:
    """Give the lines of the conversation a file holds, the last first, those of tools left out.

    Args:
        path: the file; one that is not there has none.
        within: how many bytes from its end are looked at.
    """
    with suppress(FileNotFoundError), path.open("rb", buffering=0) as file:
        yield from _conversation(_lines(file.fileno(), within))


def began(path: Path) -> float | None:
    """Read the moment in a file's header; None if it has none."""
    try:
        with path.open("rb") as file:
            return begun_ms(parsed(file.readline(_LONGEST_HEADER_BYTES)))
    except FileNotFoundError:
        return None


def _conversation(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Walk up from the last line."""
    place: str | None = _LAST
    while place is not None and (line := next(lines, None)) is not None:
        begins = _MESSAGE.match(line)
        if place != _LAST and begins:
            name, parent, role = begins.groups()
            if name != place.encode():
                continue
            if role.decode() not in list(Speaker):
                place = parent.decode(errors="replace") if parent else None
                continue
        record = parsed(line)
        if record is None or record.get("type") == "session" or not isinstance(record.get("id"), str):
            continue
        if record.get("type") == "leaf":
            place = _passing(record, place)
        elif place in (_LAST, record["id"]):
            # 2026.7.35: a line at the side is nothing the conversation goes on from.
            beside = record.get("appendMode") == "side"
            place = _LAST if beside else record.get("parentId", _LAST)
            if not beside:
                yield record


def _message(record: dict[str, Any]) -> dict[str, Any]:
    message = record.get("message")
    return {"timestamp": record.get("timestamp"), **message} if isinstance(message, dict) else {}


def _passing(leaf: dict[str, Any], place: str | None) -> str | None:
    """Tell where the walk goes on behind a `leaf` record of 2026.7.35, which says where the next hung."""
    if place in (_LAST, leaf["id"], leaf.get("appendParentId")):
        return leaf.get("targetId", leaf.get("parentId"))
    return place


def _lines(descriptor: int, within: int | None) -> Iterator[bytes]:
    """Give a file's lines, the last first; a file that grows or shrinks meanwhile is no harm."""
    end = os.fstat(descriptor).st_size
    farthest = 0 if within is None else max(0, end - within)
    begun: list[bytes] = []  # the line whose beginning is still to come, from its end on
    while end > farthest:
        start = max(farthest, end - _CHUNK_BYTES)
        first, *others = os.pread(descriptor, end - start, start).split(b"\n")
        if others:
            yield others.pop() + b"".join(reversed(begun))
            yield from reversed(others)
            begun.clear()
        begun.append(first)
        end = start
    if not farthest:
        yield b"".join(reversed(begun))
