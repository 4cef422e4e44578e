"""One session file of OpenClaw (`<sessionId>.jsonl`, format 3): look what is in it, add a block at its end.

OpenClaw's context is the walk from the last line up the `parentId`s, so a block hangs on the last whole line.
Files grow to many MB, so only the lines that matter are parsed.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from services.session_bridge.adapters.openclaw import lenient
from services.session_bridge.adapters.openclaw.folder import sync_folder
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain import transcript
from services.session_bridge.domain.transcript import Message


@dataclass(frozen=True, slots=True)
class TranscriptFile:
    """What a session file holds.

    `begun_ms` is its header's timestamp, `there` the ids of the messages that were asked for, `last_id` what
    a new line hangs on. A file whose only line is torn has no lines: nothing is lost if it is begun anew.
    """

    path: Path
    has_lines: bool
    has_header: bool
    begun_ms: float | None
    there: frozenset[str]
    last_id: str | None
    is_torn: bool

    def append(self, messages: Sequence[Message], header: dict[str, Any]) -> int:
        """Add the messages that are not there yet, durably, in one write; answer how many those were.

        Raises:
            CannotWriteYetError: it has lines but no header: OpenClaw would throw them away.
        """
        lines: list[dict[str, Any]] = [] if self.has_header else [header]
        if self.has_lines and not self.has_header:
            raise CannotWriteYetError(f"{self.path.name} has no session header: let OpenClaw repair it.")
        parent = self.last_id
        for message in messages:
            if message.id not in self.there:
                lines.append(transcript.line(message, parent))
                parent = message.id
        if added := len(lines) - (not self.has_header):
            content = b"".join(orjson.dumps(line) + b"\n" for line in lines)
            # A torn line stays alone on its line, where OpenClaw skips it.
            separator = b"\n" if self.is_torn and self.has_header else b""
            _write(self.path, separator + content, anew=not self.has_header)
        return added


def read(path: Path, messages: Sequence[Message] = ()) -> TranscriptFile:
    """Read a session file, and which of these messages it has; one that is not there is an empty one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return TranscriptFile(path, False, False, None, frozenset(), None, False)
    header = next(_records(_forwards(content)), None)
    last = next((record for record in _records(_backwards(content)) if _is_entry(record)), None)
    return TranscriptFile(
        path=path,
        has_lines=b"\n" in content,
        has_header=header is not None and _is_header(header),
        begun_ms=begun_ms(header),
        there=_there(content, messages),
        last_id=_leaf(last) if last else None,
        is_torn=not content.endswith(b"\n"),
    )


def _there(content: bytes, messages: Sequence[Message]) -> frozenset[str]:
    # A block is written in one go, so one without its beginning and its end is not there at all.
    ends = (messages[0].id, messages[-1].id) if messages else ()
    if not any(name.encode() in content for name in ends):
        return frozenset()
    wanted = {message.id for message in messages}
    return frozenset(_id(record) for record in _records(_forwards(content)) if _id(record) in wanted)


def _records(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    return (record for line in lines if (record := parsed(line)) is not None)


def _forwards(content: bytes) -> Iterator[bytes]:
    start = 0
    while (end := content.find(b"\n", start)) >= 0:
        yield content[start:end]
        start = end + 1
    yield content[start:]


def _backwards(content: bytes) -> Iterator[bytes]:
    end = len(content)
    while (start := content.rfind(b"\n", 0, end)) >= 0:
        yield content[start + 1 : end]
        end = start
    yield content[:end]


def ids(path: Path) -> tuple[str, ...]:
    """List the ids of a file's lines, whether the conversation goes through them or not."""
    return tuple(_id(record) for record in _all(path) if _is_entry(record))


def is_branch(path: Path) -> bool:
    """Tell whether a file was branched off another, whose lines it repeats up to there."""
    header = next(_all(path), None)
    return header is not None and _is_header(header) and bool(header.get("parentSession"))


def _all(path: Path) -> Iterator[dict[str, Any]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return iter(())
    return _records(_forwards(content))


def _write(path: Path, content: bytes, *, anew: bool) -> None:
    # One that is there is not made anew: OpenClaw may have taken it away into SQLite just now.
    creating = os.O_CREAT | os.O_TRUNC if anew else 0
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | creating, 0o600)
    size = 0 if anew else os.fstat(descriptor).st_size
    try:
        if os.write(descriptor, content) != len(content):
            # A part of a block would end on the caller's word, which OpenClaw drops.
            os.ftruncate(descriptor, size)
            raise CannotWriteYetError(f"{path.name} could not be written: is the disk full?")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if anew:
        sync_folder(path.parent)


def parsed(line: bytes) -> dict[str, Any] | None:
    """Read a line; None if it is torn or no object."""
    try:
        record = lenient.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def begun_ms(header: dict[str, Any] | None) -> float | None:
    """Read the moment in a header; None if that is no header, or there is no moment in it."""
    if header is None or not _is_header(header):
        return None
    try:
        return datetime.fromisoformat(str(header.get("timestamp"))).timestamp() * 1000
    except ValueError:
        return None


def _is_header(record: dict[str, Any]) -> bool:
    return record.get("type") == "session"


def _is_entry(record: dict[str, Any]) -> bool:
    return not _is_header(record) and bool(_id(record))


def _id(record: dict[str, Any]) -> str:
    value = record.get("id")
    return value if isinstance(value, str) else ""


def _leaf(record: dict[str, Any]) -> str:
    # 2026.7.35: a `leaf` record points at the line the conversation goes on from.
    if record.get("type") != "leaf":
        return _id(record)
    return record.get("appendParentId") or record.get("targetId") or _id(record)
