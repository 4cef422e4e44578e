"""An OpenClaw state folder to write calls into, and what OpenClaw does with it meanwhile."""

import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from services.session_bridge.adapters.openclaw_jsonl import JsonlStore
from services.session_bridge.domain.transcript import block
from tests.session_bridge.calls import CALL, START, Json, turns

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


class Home:
    """An OpenClaw state folder of a release that keeps its sessions in files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sessions = root / "agents" / "main" / "sessions"
        self.sessions.mkdir(parents=True)

    def configure(self, **config: Any) -> None:
        """Write `openclaw.json`."""
        (self.root / "openclaw.json").write_bytes(orjson.dumps(config))

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


async def write(store: JsonlStore, *texts: str, key: str = MAIN, call_id: str = CALL) -> None:
    await store.write(key, call_id, block(call_id, turns(*texts)))


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
