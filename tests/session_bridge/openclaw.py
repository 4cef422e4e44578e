"""An OpenClaw state folder to write calls into, and what OpenClaw does with it meanwhile."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from services.session_bridge.adapters.openclaw.cli import OpenClawCommand
from services.session_bridge.adapters.openclaw.store import BusyError, OpenClawStore
from services.session_bridge.domain.release import Release
from services.session_bridge.domain.transcript import Block, messages
from tests.session_bridge.calls import CALL, START, Json, turns


class Installed(OpenClawCommand):
    """The command of a release."""

    def __init__(self, release: Release) -> None:
        super().__init__(lambda: None)
        self._release = release

    def release(self) -> Release:
        return self._release


NO_COMMAND = OpenClawCommand(lambda: None)
MAIN = "agent:main:main"
VOICE = "agent:main:voice:direct:+14155550123"
NOW = int(START.timestamp() * 1000)
HEADER = b'{"type":"session","version":3,"id":"s1","timestamp":"2026-11-22T13:00:00.000Z","cwd":"/w"}\n'
TALK = (
    HEADER
    + b'{"type":"message","id":"aa","parentId":null,"timestamp":"2026-11-22T13:00:01.000Z",'
    + b'"message":{"role":"user","content":"hi","timestamp":1795352401000}}\n'
    + b'{"type":"message","id":"bb","parentId":"aa","timestamp":"2026-11-22T13:00:02.000Z",'
    + b'"message":{"role":"assistant","content":[{"type":"text","text":"hello"}],"usage":{}}}\n'
)
SPOKEN = ("user: What is on my calendar?", "assistant: Nothing today.")
ENDINGS = {
    "talk": SPOKEN,
    "caller_last": (*SPOKEN, "user: Thank you."),
    "assistant_never_spoke": ("user: Hello?", "user: Anybody there?"),
    "interrupted": ("assistant: On Monday you have /", "user: Skip Monday.", "assistant: All right."),
}
"""How a call may end, as the golden files have it."""

GOLDEN = Path(__file__).with_name("golden")


class Home:
    """An OpenClaw state folder of a release that keeps its sessions in files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sessions = root / "agents" / "main" / "sessions"
        self.sessions.mkdir(parents=True)

    def configure(self, **config: Any) -> None:
        """Write `openclaw.json`."""
        (self.root / "openclaw.json").write_bytes(orjson.dumps(config))

    def become_sqlite(self) -> None:
        """Do what the first turn of a release from 2026.8.1 on does."""
        database = self.root / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
        database.parent.mkdir(exist_ok=True)
        database.touch()

    def enter(self, key: str, **entry: Any) -> None:
        """Put an entry into `sessions.json`."""
        path = self.sessions / "sessions.json"
        entries = self.entries()
        entries[key] = entry
        path.write_bytes(orjson.dumps(entries))

    def entries(self) -> Json:
        """Read `sessions.json`."""
        path = self.sessions / "sessions.json"
        content: Json = orjson.loads(path.read_bytes()) if path.exists() else {}
        return content

    def transcript(self, key: str) -> list[Json]:
        """Read the lines of the file a key points to; torn ones are left out."""
        path = self.sessions / f"{self.entries()[key]['sessionId']}.jsonl"
        return [line for line in map(_parsed, path.read_bytes().splitlines()) if line]

    def texts(self, key: str) -> list[str]:
        """Read what was said in a key's conversation as OpenClaw does: from the last line up its parents."""
        lines = {line["id"]: line for line in self.transcript(key) if line["type"] != "session"}
        said, place = [], next(reversed(lines), None)
        while place is not None:
            line = lines[place]
            if line["type"] == "message":
                content = line["message"]["content"]
                text = content if isinstance(content, str) else content[0]["text"]
                said.append(f"{line['message']['role']}: {text}")
            place = line["parentId"]
        return said[::-1]


def _parsed(line: bytes) -> Json | None:
    try:
        record: Json = orjson.loads(line)
    except ValueError:
        return None
    return record


async def write(
    store: OpenClawStore, *texts: str, key: str = MAIN, call_id: str = CALL, place: str | None = None
) -> str:
    """Write a call as the delivery does; return its place, to be given at the next attempt."""
    block = made(*texts, key=key, call_id=call_id, store=store.name, place=place)
    while True:
        block = replace(block, place=await store.place(block))
        try:
            await store.write(block)
        except BusyError as error:
            if "another follows" not in str(error):
                raise
        else:
            return block.place or ""


def made(*texts: str, key: str = MAIN, call_id: str = CALL, **begun: str | None) -> Block:
    """Make the block of a call in which these turns were spoken; `store` and `place` if it was begun."""
    return Block(call_id, key, messages(call_id, turns(*texts)), **begun)


def enter(home: Home, content: bytes, **entry: object) -> Path:
    home.enter(MAIN, sessionId="s1", updatedAt=NOW, **entry)
    path = home.sessions / "s1.jsonl"
    path.write_bytes(content)
    return path


def when_asked(times: int, event: Callable[[], object]) -> Callable[[], datetime]:
    """Make a clock at whose n-th reading something happens: OpenClaw acts while we write."""
    readings = itertools.count(1)

    def now() -> datetime:
        if next(readings) == times:
            event()
        return START

    return now
