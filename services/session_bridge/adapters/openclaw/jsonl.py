"""The `jsonl` store: writes a call into OpenClaw's session files (releases up to 2026.7.35).

First the lines, then the entry that points to them. Whatever is interrupted is done again: the lines are
known by their ids, the session they went to by the place that was noted, and a new session has the same name
at each attempt.
"""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from services.session_bridge.adapters.openclaw import archive, conversation, sessions_json
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder, read_object
from services.session_bridge.adapters.openclaw.locks import TRANSCRIPT_STALE_SECONDS, held
from services.session_bridge.adapters.openclaw.sessions_json import Entry
from services.session_bridge.adapters.openclaw.store import BusyError, CannotWriteYetError
from services.session_bridge.adapters.openclaw.target import (
    Target,
    Targets,
    holds_nothing_else,
    path_of,
    session_of,
)
from services.session_bridge.domain import freshness, transcript
from services.session_bridge.domain.choice import Store
from services.session_bridge.domain.said import Said
from services.session_bridge.domain.session_key import agent_of, as_kept
from services.session_bridge.domain.transcript import Block
from services.session_bridge.domain.verdict import Kept

P = ParamSpec("P")
T = TypeVar("T")

LOST_WRITE_SECONDS = 0.2
"""From 2026.5.7 on OpenClaw's own save may undo ours; after that long it has."""

CreateEntry = Callable[[str, str | None], Awaitable[bool]]
"""Has a running gateway make the entry of a session key, with a label; False if none runs."""


async def no_gateway(_session_key: str, _label: str | None) -> bool:
    """Make no entry: there is no gateway to ask."""
    return False


class JsonlStore:
    """Write blocks, one at a time, in a thread of its own.

    Args:
        folder: OpenClaw's state folder.
        now: the clock.
        lost_write_seconds: when to look whether OpenClaw has undone an entry of ours.
        create_entry: makes the entry of a new conversation where a gateway runs: its own save undoes ours.
    """

    name = Store.JSONL

    def __init__(
        self,
        folder: OpenClawFolder,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        lost_write_seconds: float = LOST_WRITE_SECONDS,
        create_entry: CreateEntry = no_gateway,
    ) -> None:
        self._folder = folder
        self._targets = Targets(folder, now)
        self._create_entry = create_entry
        self._now = now
        self._lost_write_seconds = lost_write_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="openclaw-files")

    async def place(self, block: Block) -> str:
        """Name the session a block is in, at least in part, or else is to go to now."""
        target = await self._run(self._targets.of, block)
        key = as_kept(block.session_key)
        if target and target.entry is None and await self._create_entry(key, _described(key).get("label")):
            target = await self._run(self._targets.of, block)
        return target.session_id if target else block.place or ""

    async def write(self, block: Block) -> None:
        """Write a block at its place, or what is missing of it; then OpenClaw's next turn sees it."""
        target = await self._run(self._write, block)
        if target is None or not target.is_new:
            return
        pointed = False
        while not pointed:
            await asyncio.sleep(self._lost_write_seconds)
            pointed = await self._run(self._still_points, as_kept(block.session_key), target)

    async def check(self, agent_id: str) -> None:
        """Make sure that the session files may be written."""
        await asyncio.to_thread(self._check, agent_id)

    async def kept(self, blocks: Sequence[Block]) -> list[Kept]:
        """Look what stands of each of these blocks in their agent's files."""
        return await self._run(self._kept, blocks)

    async def newest(self, session_key: str, limit: int) -> list[Said]:
        """Read the newest turns of a conversation, the oldest first; it waits for no write.

        One that is due for its reset has none: OpenClaw would not go on with it.
        """
        try:
            return await asyncio.to_thread(self._newest, session_key, limit)
        except OSError as error:
            raise CannotWriteYetError(f"OpenClaw's session files cannot be read: {error}") from error

    async def close(self) -> None:
        """Let the running write finish."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(copy_context().run, work, *args, **kwargs)  # a log line over there names the call, too
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except OSError as error:
            raise CannotWriteYetError(f"OpenClaw's session files cannot be written: {error}") from error

    def _write(self, block: Block) -> Target | None:
        target = self._targets.of(block)
        if target is None:
            return None
        path = target.file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.parent.resolve() / f"{path.name}.lock"
        with held(lock, stale_seconds=TRANSCRIPT_STALE_SECONDS, wait_seconds=0):
            target = self._targets.of(block)
            if target is None or (target.session_id, target.file.path) != (block.place, path):
                raise BusyError("OpenClaw began a new session just now.")
            self._targets.require_idle(target.entry)
            workspace = str(self._folder.root / "workspace")
            target.file.append(block.messages, transcript.header(target.session_id, workspace, self._now()))
        try:
            self._point(as_kept(block.session_key), target)
        except CannotWriteYetError:
            if target.is_new and self._folder.has_sqlite(agent_of(block.session_key)):
                path.unlink(missing_ok=True)  # OpenClaw has been upgraded just now.
            raise
        if not target.is_new:
            self._remove_orphan(block, written=path)
        return target

    def _check(self, agent_id: str) -> None:
        folder = self._folder.sessions(agent_id)
        if folder.exists() and not os.access(folder, os.W_OK):
            raise CannotWriteYetError(
                f"{folder} belongs to somebody else: run the bridge as OpenClaw's user."
            )

    def _kept(self, blocks: Sequence[Block]) -> list[Kept]:
        folder = self._folder.sessions(agent_of(blocks[0].session_key))
        names = [tuple(message.id for message in block.messages) for block in blocks]
        files = archive.read_all(folder, frozenset(itertools.chain.from_iterable(names)))
        entries = read_object(folder / "sessions.json")
        kept = []
        for block, wanted in zip(blocks, names, strict=True):
            entry = entries.get(as_kept(block.session_key)) or {}
            kept.append(archive.gather(files, wanted, block.place, str(entry.get("sessionId"))))
        return kept

    def _newest(self, session_key: str, limit: int) -> list[Said]:
        folder = self._targets.folder(session_key)
        entry = sessions_json.read(folder, as_kept(session_key))
        if entry is None or session_of(entry) is None:
            return []
        path = path_of(folder, entry)
        is_fresh = self._targets.is_fresh(session_key, entry, conversation.began(path))
        return conversation.newest(path, limit) if is_fresh else []

    def _point(self, key: str, target: Target) -> None:
        """Let `sessions.json` point to the session just written, unless OpenClaw chose another meanwhile."""
        now = int(self._now().timestamp() * 1000)
        if not target.is_new and not freshness.goes_by_update(target.entry or {}, self._folder.release()):
            return

        def pointing(entry: Entry | None) -> Entry | None:
            self._targets.folder(key)
            found = entry.get("sessionId") if entry else None
            if found == target.session_id:
                return {**(entry or {}), "updatedAt": now, "lastInteractionAt": now}
            if not target.is_new:
                return None  # The conversation was reset since: the call belongs to the old one.
            if found != (target.entry or {}).get("sessionId"):
                raise BusyError("OpenClaw began a new session just now.")
            kept = {name: value for name, value in (entry or {}).items() if name != "sessionFile"}
            return kept | _begun(target.session_id, now) | (_described(key) if entry is None else {})

        sessions_json.change(target.file.path.parent, key, pointing)

    def _still_points(self, key: str, target: Target) -> bool:
        """Look whether OpenClaw's own save has undone ours, and if so point again."""
        entry = sessions_json.read(target.file.path.parent, key)
        if entry is not None and entry.get("sessionId") == target.session_id:
            return True
        self._point(key, target)
        return False

    def _remove_orphan(self, block: Block, written: Path) -> None:
        """Remove the file of an attempt that OpenClaw forestalled, if it holds this call and nothing else."""
        orphan = written.with_name(f"{transcript.session_id(block.session_key, block.call_id)}.jsonl")
        if orphan != written and holds_nothing_else(orphan, block):
            orphan.unlink(missing_ok=True)


def _begun(session_id: str, now: int) -> dict[str, Any]:
    return {"sessionId": session_id, "updatedAt": now, "sessionStartedAt": now, "lastInteractionAt": now}


def _described(key: str) -> dict[str, str]:
    parts = key.split(":")
    if parts[2] != "voice":
        return {}
    return {"label": f"Phone {parts[-1]}", "channel": "voice", "chatType": "direct"}
