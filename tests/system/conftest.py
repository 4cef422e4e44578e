"""The real thing: both services and the sandbox as processes of their own, on free loopback ports."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from dev.demo import free_ports
from dev.programs import OWNER, Ports, sandbox, sandbox_environment, services
from dev.stack import ROOT, Program, running
from sandbox.settings import SandboxSettings
from shared.events import iso
from tests.contract.gateway_client import connected

WITHIN_SECONDS = 45


def free_port() -> int:
    [port] = free_ports(1)
    return port


@dataclass
class Stack:
    """What runs, and how to talk to it."""

    http: aiohttp.ClientSession
    folder: Path
    bridge: Program
    voice: Program
    sandbox: SandboxSettings
    ports: Ports

    @property
    def sandbox_url(self) -> str:
        return f"http://{self.sandbox.host}:{self.sandbox.port}"

    def environment(self, **changed: str) -> dict[str, str]:
        """Give the settings of both services, some of them changed."""
        return sandbox_environment(self.sandbox, self.ports, self.folder) | changed

    async def call(self, to: str = OWNER) -> str:
        body = {"to": to, "message": "Hello! This is your AI assistant calling."}
        async with self.http.post(f"{self.voice.url}/call", json=body) as answer:
            assert answer.status == 202, await answer.text()
            return str((await answer.json())["call_id"])

    async def get(self, url: str) -> Any:
        async with self.http.get(url) as answer:
            return await answer.json()

    async def turns(self, call_id: str) -> list[str]:
        document = await self.get(f"{self.voice.url}/history/{call_id}/transcript")
        return [turn["content"] for turn in document["transcript"]]

    async def until(self, fact: Callable[[], Any]) -> None:
        """Wait until a coroutine function answers something true."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while True:
                try:
                    if await fact():
                        return
                except (aiohttp.ClientError, KeyError):
                    pass  # the process that was asked is just not there
                await asyncio.sleep(0.02)

    async def until_said(self, call_id: str, turns: int) -> None:
        async def said() -> bool:
            return len(await self.turns(call_id)) >= turns

        await self.until(said)

    async def until_synced(self, call_id: str) -> None:
        async def synced() -> bool:
            sessions = (await self.get(f"{self.bridge.url}/sessions"))["sessions"]
            return any(one["callId"] == call_id and one["state"] == "synced" for one in sessions)

        await self.until(synced)

    async def kill_and_restart(self, program: Program) -> None:
        assert program.process
        program.process.kill()
        await program.process.wait()
        await program.start()

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command of the voice server with its settings: exit status, stdout and stderr."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *self.voice.command, *arguments),
            env={"PYTHONPATH": str(ROOT), **self.voice.environment},
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(WITHIN_SECONDS):
            said, complained = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode(), complained.decode()

    def write_in_the_chat(self, session_key: str, *texts: str) -> None:
        """Let OpenClaw keep in its files what the person wrote and the agent answered, by turns."""
        folder = self.folder / "openclaw" / "agents" / "main" / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        now, session_id = datetime.now(UTC), str(uuid4())
        stamp = iso(now)
        lines: list[dict[str, Any]] = [
            {"type": "session", "version": 3, "id": session_id, "timestamp": stamp, "cwd": "/"}
        ]
        for place, text in enumerate(texts):
            message = {"role": ("user", "assistant")[place % 2], "content": [{"type": "text", "text": text}]}
            parent = str(place) if place else None
            line = {"type": "message", "id": str(place + 1), "parentId": parent, "timestamp": stamp}
            lines.append({**line, "message": {**message, "timestamp": int(now.timestamp() * 1000)}})
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        (folder / f"{session_id}.jsonl").write_text(text, encoding="utf-8")
        index = folder / "sessions.json"
        entries = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
        entries[session_key] = {"sessionId": session_id, "updatedAt": int(now.timestamp() * 1000)}
        index.write_text(json.dumps(entries), encoding="utf-8")

    def written(self) -> list[tuple[str, str]]:
        """Role and text of every message in the OpenClaw folder's transcripts."""
        lines = [
            json.loads(line)
            for file in self.folder.glob("openclaw/agents/main/sessions/*.jsonl")
            for line in file.read_text(encoding="utf-8").splitlines()
        ]
        messages = [line["message"] for line in lines if line["type"] == "message"]
        return [(message["role"], message["content"][0]["text"]) for message in messages]

    async def remembered(self) -> list[tuple[str, str]]:
        """Role and text of every row in the main conversation of the gateway."""
        token = self.sandbox.openclaw_gateway_token.get_secret_value()
        async with connected(self.sandbox_url, token, "operator.read") as gateway:
            history = await gateway.call("chat.history", sessionKey="agent:main:main")
        said = [(row["role"], row["content"]) for row in history["messages"]]
        return [(role, text if isinstance(text, str) else text[0]["text"]) for role, text in said]


@asynccontextmanager
async def a_stack(
    folder: Path, speed: float, changes: Callable[[list[Program]], None] = lambda _: None, **played: Any
) -> AsyncIterator[Stack]:
    """Start all three; `played` are further settings of the sandbox."""
    ports = Ports(port=free_port(), bridge_port=free_port())
    voice = f"http://127.0.0.1:{ports.port}"
    settings = SandboxSettings(port=free_port(), speed=speed, public_url=voice, **played)
    environment = sandbox_environment(settings, ports, folder) | {"LOG_LEVEL": "warning"}
    both = services(ports, environment, folder)
    changes(both)
    async with running([sandbox(settings, folder), *both]), aiohttp.ClientSession() as http:
        yield Stack(http, folder, both[0], both[1], settings, ports)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with a_stack(tmp_path, 8) as one:
        yield one
