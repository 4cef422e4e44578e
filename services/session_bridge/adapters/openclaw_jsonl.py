"""The `jsonl` store: writes a call into OpenClaw's session files (releases up to 2026.7.35).

First the lines, then the entry that points to them. Whatever is interrupted is done again: the lines are
known by their ids, and a new session has the same name at each attempt.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from services.session_bridge.adapters import openclaw_sessions_json as sessions_json
from services.session_bridge.adapters import openclaw_transcript_file as transcript_file
from services.session_bridge.adapters.openclaw_folder import CannotWriteYetError, OpenClawFolder
from services.session_bridge.adapters.openclaw_locks import TRANSCRIPT_STALE_SECONDS, held
from services.session_bridge.adapters.openclaw_sessions_json import Entry
from services.session_bridge.adapters.openclaw_transcript_file import TranscriptFile
from services.session_bridge.domain import release, transcript
from services.session_bridge.domain.freshness import is_fresh
from services.session_bridge.domain.session_key import agent_of
from services.session_bridge.domain.transcript import Message

P = ParamSpec("P")
T = TypeVar("T")

LOST_WRITE_SECONDS = 0.2
"""From 2026.5.7 on OpenClaw's own save may undo ours; after that long it has."""

_RUNNING_HOURS = 3
_SESSION_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a block goes: the session, its file, and the entry as it was found."""

    session_id: str
    file: TranscriptFile
    entry: Entry | None

    @property
    def is_new(self) -> bool:
        """Tell whether `sessions.json` does not point to this session yet."""
        return self.entry is None or self.entry.get("sessionId") != self.session_id


class JsonlStore:
    """Write blocks, one at a time, in a thread of its own.

    Args:
        folder: OpenClaw's state folder.
        now: the clock.
        lost_write_seconds: when to look whether OpenClaw has undone an entry of ours.
    """

    def __init__(
        self,
        folder: OpenClawFolder,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lost_write_seconds: float = LOST_WRITE_SECONDS,
    ) -> None:
        self._folder = folder
        self._now = now
        self._lost_write_seconds = lost_write_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="openclaw-files")

    async def write(self, session_key: str, call_id: str, messages: Sequence[Message]) -> None:
        """Write a call's block, or what is missing of it; when this returns OpenClaw's next turn sees it.

        Raises:
            CannotWriteYetError: not now; what was done is recognised at the next attempt.
        """
        target = await self._run(self._write, session_key, call_id, messages)
        pointed = not target.is_new
        while not pointed:
            await asyncio.sleep(self._lost_write_seconds)
            pointed = await self._run(self._still_points, session_key, target)

    async def close(self) -> None:
        """Let the running write finish."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(copy_context().run, work, *args, **kwargs)  # a log line over there names the call, too
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except OSError as error:
            raise CannotWriteYetError(f"OpenClaw's session files cannot be written: {error}") from error

    def _write(self, key: str, call_id: str, messages: Sequence[Message]) -> _Target:
        folder = self._folder.require_jsonl(agent_of(key))
        folder.mkdir(parents=True, exist_ok=True)
        path = self._target(folder, key, call_id, messages).file.path
        lock = path.parent.resolve() / f"{path.name}.lock"
        with held(lock, stale_seconds=TRANSCRIPT_STALE_SECONDS, wait_seconds=0):
            target = self._target(folder, key, call_id, messages)
            if target.file.path != path:
                raise CannotWriteYetError("OpenClaw began a new session just now.")
            self._require_idle(target.entry)
            workspace = str(self._folder.root / "workspace")
            target.file.append(messages, transcript.header(target.session_id, workspace, self._now()))
        self._point(key, target)
        if not target.is_new:
            _remove_orphan(folder / f"{transcript.session_id(key, call_id)}.jsonl", path, messages)
        return target

    def _target(self, folder: Path, key: str, call_id: str, messages: Sequence[Message]) -> _Target:
        entry = sessions_json.read(folder, key)
        if entry is not None and _SESSION_ID.fullmatch(str(entry.get("sessionId"))):
            file = transcript_file.read(_path(folder, entry))
            config = self._folder.config()
            written_by = release.parse(config.meta.get("lastTouchedVersion"))
            if file.holds_some(messages) or is_fresh(
                entry, file.begun_ms, config.session, written_by, self._now()
            ):
                return _Target(entry["sessionId"], file, entry)
        name = transcript.session_id(key, call_id)
        return _Target(name, transcript_file.read(folder / f"{name}.jsonl"), entry)

    def _require_idle(self, entry: Entry | None) -> None:
        # A gateway that died in a turn leaves "running" behind; no turn lasts for hours.
        if entry is None or entry.get("status") != "running":
            return
        oldest = (self._now() - timedelta(hours=_RUNNING_HOURS)).timestamp() * 1000
        started = entry.get("startedAt", entry.get("updatedAt"))
        if isinstance(started, int | float) and started > oldest:
            raise CannotWriteYetError("OpenClaw is in the middle of a turn of this conversation.")

    def _point(self, key: str, target: _Target) -> None:
        """Let `sessions.json` point to the session just written, unless OpenClaw chose another meanwhile."""
        now = int(self._now().timestamp() * 1000)

        def pointing(entry: Entry | None) -> Entry | None:
            found = entry.get("sessionId") if entry else None
            if found == target.session_id:
                return {**(entry or {}), "updatedAt": now, "lastInteractionAt": now}
            if not target.is_new:
                return None  # The conversation was reset since: the call belongs to the old one.
            if found != (target.entry or {}).get("sessionId"):
                raise CannotWriteYetError("OpenClaw began a new session just now.")
            kept = {name: value for name, value in (entry or {}).items() if name != "sessionFile"}
            return kept | _begun(target.session_id, now) | (_described(key) if entry is None else {})

        sessions_json.change(target.file.path.parent, key, pointing)

    def _still_points(self, key: str, target: _Target) -> bool:
        """Look whether OpenClaw's own save has undone ours, and if so point again."""
        entry = sessions_json.read(target.file.path.parent, key)
        if entry is not None and entry.get("sessionId") == target.session_id:
            return True
        self._point(key, target)
        return False


def _remove_orphan(orphan: Path, written: Path, messages: Sequence[Message]) -> None:
    """Remove the file of an attempt that OpenClaw forestalled, if it holds this call and nothing else."""
    if orphan != written and transcript_file.read(orphan).ids <= {message.id for message in messages}:
        orphan.unlink(missing_ok=True)


def _path(folder: Path, entry: Entry) -> Path:
    """Name an entry's file; a `sessionFile` counts only inside the folder."""
    own = folder / f"{entry['sessionId']}.jsonl"
    named = entry.get("sessionFile")
    if not isinstance(named, str):
        return own
    path = (folder / named).resolve()
    return path if path.parent == folder.resolve() else own


def _begun(session_id: str, now: int) -> dict[str, Any]:
    return {"sessionId": session_id, "updatedAt": now, "sessionStartedAt": now, "lastInteractionAt": now}


def _described(key: str) -> dict[str, str]:
    parts = key.split(":")
    if parts[2] != "voice":
        return {}
    return {"label": f"Phone {parts[-1]}", "channel": "voice", "chatType": "direct"}
