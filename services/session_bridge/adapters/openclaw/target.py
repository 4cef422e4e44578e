"""Where a block goes among OpenClaw's session files: into the session its key leads to, or into a new one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from services.session_bridge.adapters.openclaw import sessions_json, transcript_file
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.sessions_json import Entry
from services.session_bridge.adapters.openclaw.store import BusyError, CannotWriteYetError
from services.session_bridge.adapters.openclaw.transcript_file import TranscriptFile
from services.session_bridge.domain import freshness, transcript
from services.session_bridge.domain.session_key import agent_of, as_kept
from services.session_bridge.domain.transcript import Block

_RUNNING_HOURS = 3
_SESSION_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a block goes: the session, its file, and the entry of its key as it was found."""

    session_id: str
    file: TranscriptFile
    entry: Entry | None

    @property
    def is_new(self) -> bool:
        """Tell whether `sessions.json` does not point to this session yet."""
        return self.entry is None or self.entry.get("sessionId") != self.session_id


class Targets:
    """Find out where blocks go. Every method reads the disk: call it in a thread.

    Args:
        folder: OpenClaw's state folder.
        now: the clock.
    """

    def __init__(self, folder: OpenClawFolder, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now

    def of(self, block: Block) -> Target | None:
        """Find out where a block goes; None if it is in a conversation that has been put away since.

        Raises:
            CannotWriteYetError: OpenClaw keeps its sessions in SQLite.
        """
        folder = self.folder(block.session_key)
        entry = sessions_json.read(folder, as_kept(block.session_key))
        pointed = session_of(entry)
        if block.place and pointed != block.place and _is_past(folder, block):
            return None
        if entry is not None and pointed is not None:
            file = transcript_file.read(path_of(folder, entry), block.messages)
            if (block.place == pointed and file.there) or self.is_fresh(
                block.session_key, entry, file.begun_ms
            ):
                return Target(pointed, file, entry)
        name = transcript.session_id(block.session_key, block.call_id)
        return Target(name, transcript_file.read(folder / f"{name}.jsonl", block.messages), entry)

    def folder(self, session_key: str) -> Path:
        """Name the folder of a key's session files.

        Raises:
            CannotWriteYetError: OpenClaw keeps its sessions in SQLite.
        """
        agent_id = agent_of(session_key)
        if self._folder.has_sqlite(agent_id):
            raise CannotWriteYetError(
                f"OpenClaw keeps the sessions of agent {agent_id} in SQLite: beside that no file is written."
            )
        return self._folder.sessions(agent_id)

    def is_fresh(self, session_key: str, entry: Entry, begun_ms: float | None) -> bool:
        """Tell whether OpenClaw would go on with an entry's conversation."""
        rules, release = self._folder.config().session, self._folder.release()
        return freshness.is_fresh(session_key, entry, begun_ms, rules, release, self._now())

    def require_idle(self, entry: Entry | None) -> None:
        """Make sure that nobody is at work on an entry's conversation.

        Raises:
            BusyError: somebody is.
        """
        # A gateway that died in a turn leaves "running" behind; no turn lasts for hours.
        if entry is None or entry.get("status") != "running":
            return
        oldest = (self._now() - timedelta(hours=_RUNNING_HOURS)).timestamp() * 1000
        started = entry.get("startedAt", entry.get("updatedAt"))
        if isinstance(started, int | float) and started > oldest:
            raise BusyError("OpenClaw is in the middle of a turn of this conversation.")


def session_of(entry: Entry | None) -> str | None:
    """Name the session an entry points to; None if it points to none that could be a file's name."""
    name = entry.get("sessionId") if entry else None
    return name if isinstance(name, str) and _SESSION_ID.fullmatch(name) else None


def path_of(folder: Path, entry: Entry) -> Path:
    """Name the file of an entry that points to a session; its `sessionFile` counts only inside the folder."""
    own = folder / f"{entry['sessionId']}.jsonl"
    named = entry.get("sessionFile")
    if not isinstance(named, str):
        return own
    path = (folder / named).resolve()
    # In a container the same folder has another name.
    beside = folder / path.name if path.parts[-3:-1] == folder.resolve().parts[-2:] else own
    return path if path.parent == folder.resolve() else beside


def _is_past(folder: Path, block: Block) -> bool:
    """Tell whether the conversation at a block's place had the block and went on before it ended.

    A file with nothing but the block in it may never have been pointed to: then it is no conversation.
    """
    own = {message.id for message in block.messages}
    put_away = folder.glob(f"{block.place}.jsonl.*.*")
    return any(own <= _ids(path) for path in put_away) or own < _ids(folder / f"{block.place}.jsonl")


def holds_nothing_else(path: Path, block: Block) -> bool:
    """Tell whether a file has this block, a part of it or nothing, and nothing besides."""
    return _ids(path) <= {message.id for message in block.messages}


def _ids(path: Path) -> set[str]:
    return set(transcript_file.ids(path))
