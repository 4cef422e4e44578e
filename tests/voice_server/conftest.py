"""A whole voice server on a real socket, between a sandbox and a bridge that writes down what it gets."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from sandbox.app import Sandbox, running
from sandbox.settings import SandboxSettings
from services.voice_server.app import build
from services.voice_server.domain import agent
from services.voice_server.settings import VoiceSettings
from shared.tasks import Tasks
from tests.voice_server.price_list import PRICES
from tests.voice_server.recording_bridge import RecordingBridge, recording_bridge
from tests.voice_server.running_server import GUEST, KEY, OWNER, RunningServer, Start
from tests.voice_server.serving import listening_socket

AGENT = {"name": "Ada", "instructions": "You are Ada, a helpful assistant.", "greeting": "Hi, this is Ada."}


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    async with Tasks() as running_tasks:
        yield running_tasks


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(SandboxSettings(port=0, speed=200)) as running_sandbox:
        yield running_sandbox


@pytest.fixture
async def bridge() -> AsyncIterator[RecordingBridge]:
    async with recording_bridge() as running_bridge:
        yield running_bridge


@pytest.fixture
def environment(sandbox: Sandbox, bridge: RecordingBridge, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Give the environment of a voice server between these two; keywords change it."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "agent.json").write_text(json.dumps(AGENT), encoding="utf-8")

    def make(**changes: str) -> dict[str, str]:
        return {
            **sandbox.service_environment(),
            "BRIDGE_URL": bridge.url,
            "VOICE_API_KEY": KEY,
            "BRIDGE_API_KEY": "the-bridge-key",
            "DATA_DIR": str(tmp_path / "data"),
            "CONFIG_DIR": str(tmp_path / "config"),
            "OPENCLAW_STATE_DIR": str(tmp_path / "openclaw"),
            "OWNER_NUMBERS": OWNER,
            "ALLOWED_CALLERS": GUEST,
            "MAX_CALLS_PER_HOUR": "60",
            "DRAIN_SECONDS": "0",
            **changes,
        }

    return make


@pytest.fixture
async def start(sandbox: Sandbox, environment: Callable[..., dict[str, str]]) -> AsyncIterator[Start]:
    """Start voice servers, one after the other on the same port; all are stopped in the end."""
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening_socket())
        sandbox.public_url = url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        http = await stack.enter_async_context(ClientSession())

        async def start_one(character: dict[str, Any] | None = None, **changes: str) -> RunningServer:
            values = {name.lower(): value for name, value in environment(**changes).items() if value}
            config = VoiceSettings(**values, _env_file=None)  # type: ignore[arg-type]  # parsed from text
            app = build(config, agent.load({**AGENT, **(character or {})})[0], PRICES)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listener.dup()).start()
            return RunningServer(url, runner, http, sandbox)

        yield start_one


@pytest.fixture
async def server(start: Start) -> RunningServer:
    """Give a running voice server."""
    return await start()
