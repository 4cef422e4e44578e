"""OpenClaw's part: people type to the agent and begin anew, in session files or behind the gateway.

What it does to files is written anew here, by OpenClaw's rules and not by the bridge's code, locks included.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from sandbox.gateway.memory import Row
from sandbox.gateway.peer import Gateway

UNSIGNED_STALE_SECONDS = 1
"""OpenClaw waits longer for a lock that nobody has signed; here that would only take time."""

Conversation = list[tuple[str, str]]
"""Role and text of what the agent sees, or saw before it was told to begin anew."""


class Agent(Protocol):
    """An agent that people type to."""

    async def live(self, rng: random.Random) -> None:
        """Take turns and begin anew now and then, for ever."""

    async def take_turn(self, key: str, seconds: float) -> None:
        """Answer something typed, in that time; a conversation that is not there yet begins with it."""

    async def begin_anew(self, key: str) -> None:
        """Put a conversation away, if there is one."""

    def remembers(self) -> list[Conversation]:
        """Tell every conversation there was."""


class FolderAgent:
    """An agent of a release with session files."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "agents" / "main" / "sessions"
        self.folder.mkdir(parents=True)
        (root / "openclaw.json").write_text('{"meta": {"lastTouchedVersion": "2026.7.35"}}')
        self._led_to: set[str] = set()
        with _held(self.folder / "sessions.json.lock"):
            self._save({"agent:main:main": _begun()})

    async def live(self, rng: random.Random) -> None:
        """Take turns and begin anew now and then, for ever."""
        while True:
            await asyncio.sleep(rng.uniform(0, 0.05))
            key = rng.choice(list(self._entries()))
            with suppress(BlockingIOError):
                await (
                    self.begin_anew(key) if rng.random() < 0.1 else self.take_turn(key, rng.uniform(0, 0.03))
                )

    def remembers(self) -> list[Conversation]:
        """Tell every conversation there was: only files that `sessions.json` has led to are any."""
        self._led_to |= {entry["sessionId"] for entry in self._entries().values()}
        return [
            _walked(path)
            for session_id in sorted(self._led_to)
            for path in self.folder.glob(f"{session_id}.jsonl*")
            if path.suffix != ".lock"
        ]

    async def take_turn(self, key: str, seconds: float) -> None:
        """Answer something typed, in that time; a conversation that is not there yet begins with it."""
        if key not in self._entries():
            with _held(self.folder / "sessions.json.lock"):
                self._save(self._entries() | {key: _begun()})
        entry = self._entries()[key]
        path = self.folder / f"{entry['sessionId']}.jsonl"
        with _held(path.with_name(f"{path.name}.lock")):
            if self._entries()[key]["sessionId"] != entry["sessionId"]:
                return
            self._change(key, status="running", startedAt=_now())
            if not path.exists():
                path.write_text(
                    json.dumps({"type": "session", "version": 3, "id": entry["sessionId"]}) + "\n"
                )
            await asyncio.sleep(seconds)
            lines = _records(path)
            parent = lines[-1]["id"] if lines[-1]["type"] != "session" else None
            with path.open("a") as file:
                for role in ("user", "assistant"):
                    line = {"type": "message", "id": uuid4().hex[:8], "parentId": parent}
                    content = [{"type": "text", "text": "typed"}]
                    file.write(json.dumps(line | {"message": {"role": role, "content": content}}) + "\n")
                    parent = str(line["id"])
            self._change(key, status="done")

    async def begin_anew(self, key: str) -> None:
        """Put a conversation away, if there is one."""
        if key not in self._entries():
            return
        session_id = self._entries()[key]["sessionId"]
        path = self.folder / f"{session_id}.jsonl"
        with _held(path.with_name(f"{path.name}.lock")):
            if self._entries()[key]["sessionId"] == session_id:
                self._led_to.add(session_id)
                self._change(key, **_begun())
                if path.exists():
                    path.rename(f"{path}.reset.2026-11-22T14-05-00.{len(self._led_to):03d}Z")

    def _entries(self) -> dict[str, Any]:
        path = self.folder / "sessions.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _change(self, key: str, **changes: object) -> None:
        with _held(self.folder / "sessions.json.lock"):
            entries = self._entries()
            self._led_to.add(entries[key]["sessionId"])
            entries[key] = entries[key] | changes
            self._save(entries)

    def _save(self, entries: dict[str, Any]) -> None:
        new = self.folder / "sessions.json.new"
        new.write_text(json.dumps(entries))
        new.replace(self.folder / "sessions.json")


class GatewayAgent:
    """An agent behind the gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def live(self, rng: random.Random) -> None:
        """Take turns and begin anew now and then, for ever; and a socket breaks."""
        while True:
            await asyncio.sleep(rng.uniform(0, 0.05))
            memory = self._gateway.memory
            key = rng.choice(list(memory.conversations) or ["agent:main:main"])
            what = rng.random()
            if what < 0.1:
                await self.begin_anew(key)
            elif what < 0.2:
                self._gateway.cut_lines()
            else:
                await self.take_turn(key, rng.uniform(0, 0.03))

    async def take_turn(self, key: str, seconds: float) -> None:
        """Answer something typed, in that time; a conversation that is not there yet begins with it."""
        run_id = self._gateway.start_run(key)
        await asyncio.sleep(seconds)
        conversation = self._gateway.memory.conversation(key, "operator")
        for role in ("user", "assistant"):
            conversation.add(Row(uuid4().hex[:8], role, "typed", _now()))
        self._gateway.end_run(key, run_id)

    async def begin_anew(self, key: str) -> None:
        """Put a conversation away, if there is one."""
        if key in self._gateway.memory.conversations:
            self._gateway.reset(key)

    def remembers(self) -> list[Conversation]:
        """Tell every conversation there was."""
        conversations = self._gateway.memory.conversations.values()
        return [[(row.role, row.text) for row in conversation.rows] for conversation in conversations]


def _now() -> int:
    return int(time.time() * 1000)


def _begun() -> dict[str, Any]:
    now = _now()
    return {"sessionId": str(uuid4()), "updatedAt": now, "sessionStartedAt": now, "lastInteractionAt": now}


def _records(path: Path) -> list[dict[str, Any]]:
    records = []
    for line in path.read_bytes().split(b"\n"):
        with suppress(ValueError):
            records.append(json.loads(line))
    return records


def _walked(path: Path) -> Conversation:
    """Read a conversation as OpenClaw does: from the last line up its parents."""
    lines = {record["id"]: record for record in _records(path) if record["type"] != "session"}
    said, place = [], next(reversed(lines), None)
    while place is not None:
        line = lines[place]
        said.append((line["message"]["role"], line["message"]["content"][0]["text"]))
        place = line["parentId"]
    return said[::-1]


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock file; one whose holder has died is taken away at once, an empty one when it is old.

    Raises:
        BlockingIOError: somebody living holds it.
    """
    for _ in range(100):
        try:
            with path.open("x") as file:
                file.write(json.dumps({"pid": os.getpid(), "createdAt": "2026-11-22T14:00:00.000Z"}))
            break
        except FileExistsError:
            if not _is_stale(path):
                raise BlockingIOError from None
            path.unlink(missing_ok=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _is_stale(path: Path) -> bool:
    try:
        os.kill(json.loads(path.read_text())["pid"], 0)
    except ProcessLookupError:
        return True
    except FileNotFoundError:
        return False
    except ValueError:
        return time.time() - path.stat().st_mtime > UNSIGNED_STALE_SECONDS
    return False
