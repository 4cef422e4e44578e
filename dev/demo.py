"""`make demo`: one whole call against the sandbox, from `POST /call` to the lines in the OpenClaw session."""

import asyncio
import json
import random
import socket
import sys
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from dev import chat
from dev.programs import OWNERS, Ports, openclaw_folder, sandbox, sandbox_environment, services
from dev.stack import DidNotStartError, running
from sandbox.scripts import SCRIPTS, for_number
from sandbox.settings import SandboxSettings

OWNER = next(number for number in OWNERS if for_number(number) is SCRIPTS["errand"])
MESSAGE = "Hello! This is your AI assistant calling."
WROTE, ANSWERED = "My dentist is at ten tomorrow.", "Noted, I will remind you."
SPEED = 3.5
WHOLE_CALL_SECONDS = 40

_NEVER_GIVEN = range(20_000, 32_000)
"""Ports below those that Linux gives to connections."""

Event = dict[str, Any]


class DemoFailedError(Exception):
    """The call did not go as it should."""


async def main() -> None:
    """Play the call and show it; raise `DemoFailedError` unless all of it happened."""
    sandbox_port, port, bridge_port = free_ports(3)
    ports = Ports(port=port, bridge_port=bridge_port)
    settings = SandboxSettings(port=sandbox_port, speed=SPEED, public_url=f"http://127.0.0.1:{port}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = sandbox_environment(settings, ports, home) | {"LOG_LEVEL": "warning"}
        print(
            f"Starting the sandbox and both services; people speak {SPEED} times faster than usual.",
            flush=True,
        )
        async with (
            running([sandbox(settings, home), *services(ports, environment, home)]),
            asyncio.timeout(WHOLE_CALL_SECONDS),
        ):
            await _play(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bridge_port}", home)


async def _play(voice_url: str, bridge_url: str, folder: Path) -> None:
    print(f"\nIn the chat, a minute ago:\n  owner      {WROTE}\n  agent      {ANSWERED}")
    chat.write(openclaw_folder(folder), "agent:main:main", WROTE, ANSWERED)
    async with aiohttp.ClientSession() as http:
        print(f"\n$ POST /call  to {OWNER}: {MESSAGE!r}")
        async with http.post(f"{voice_url}/call", json={"to": OWNER, "message": MESSAGE}) as answer:
            placed = await answer.json()
        print(f"{answer.status} {json.dumps(placed)}\n")
        print("Seconds since the answer; a sentence stands where it had been heard to its end.", flush=True)
        if answer.status != 202:
            raise DemoFailedError("The call was not placed.")
        seen = await _follow(http, bridge_url, placed["call_id"])
    _check(seen)
    _show_session(folder)


async def _follow(http: aiohttp.ClientSession, bridge_url: str, call_id: str) -> list[Event]:
    seen: list[Event] = []
    url = f"{bridge_url}/calls/{call_id}/events"
    while (answer := await http.get(url)).status == 404:
        answer.release()
        await asyncio.sleep(0.05)
    async for line in answer.content:
        if line.startswith(b"data:"):
            seen.append(json.loads(line.removeprefix(b"data:")))
            print(f"{_seconds(seen)}  {_told(seen[-1])}", flush=True)
    return seen


def _seconds(seen: list[Event]) -> str:
    """Tell how long after the answer of the call the latest happened."""
    answered = [event["timestamp"] for event in seen if event.get("eventType") == "call_answered"]
    if not answered or "timestamp" not in seen[-1]:
        return " " * 7
    passed = datetime.fromisoformat(seen[-1]["timestamp"]) - datetime.fromisoformat(answered[0])
    return f"{passed.total_seconds():5.1f} s"


def _told(event: Event) -> str:
    data = event.get("data", event)
    match event.get("eventType", "session_synced"):
        case "transcript_update":
            who = "caller   " if data["speaker"] == "user" else "assistant"
            return f"{who}  {data['content']}{'  [interrupted]' if data['interrupted'] else ''}"
        case "tool_started":
            return f"tool       {data['name']} {data['arguments']}"
        case "tool_finished":
            return (
                f"tool       {data['name']} -> {data['output'] or 'done'} ({data['durationSeconds']:.1f} s)"
            )
        case "call_ended":
            return f"-- call ended: {data['endReason']}, {data['durationSeconds']} s, {data['costUsd']} USD"
        case "session_synced":
            return f"-- written to {data['sessionKey']}: {data['messagesInjected']} messages"
        case kind:
            return f"-- {kind.replace('_', ' ')}"


def _check(seen: list[Event]) -> None:
    kinds = [event.get("eventType", "session_synced") for event in seen]
    missing = {"call_answered", "transcript_update", "tool_started", "tool_finished", "call_ended"} - {*kinds}
    if missing:
        raise DemoFailedError(f"The call had no {', '.join(sorted(missing))}.")
    said = [
        event["data"].get("content", "") for event in seen if event.get("eventType") == "transcript_update"
    ]
    if not any(WROTE in words for words in said):
        raise DemoFailedError("The assistant did not know what had been written in the chat.")
    meanwhile = seen[kinds.index("tool_started") : kinds.index("tool_finished")]
    if not any(event["data"].get("speaker") == "assistant" for event in meanwhile):
        raise DemoFailedError("The caller was left in silence while the agent worked.")


def _show_session(folder: Path) -> None:
    files = list(folder.glob("openclaw/agents/*/sessions/*.jsonl"))
    if not files:
        raise DemoFailedError("Nothing was written to OpenClaw.")
    print(f"\nWhat the agent will read the next time it is written to ({files[0].name}):")
    for line in files[0].read_text(encoding="utf-8").splitlines():
        print(line)


def free_ports(count: int) -> list[int]:
    """Find ports on this machine that nobody listens on, and that no outgoing connection is given, either."""
    found: list[int] = []
    for port in random.sample(_NEVER_GIVEN, len(_NEVER_GIVEN)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
        if len(found) == count:
            break
    return found


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (DemoFailedError, DidNotStartError, TimeoutError) as failed:
        sys.exit(f"The demo failed: {failed or 'it took too long'}")
    print("\nAll of it happened.")
