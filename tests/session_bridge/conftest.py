"""A whole bridge on a real socket, beside an OpenClaw state folder."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.app import build
from services.session_bridge.settings import BridgeSettings
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import START
from tests.session_bridge.openclaw import NO_COMMAND, Home

Settings = Callable[..., BridgeSettings]


hypothesis.settings.register_profile("no deadline", deadline=None)  # a busy machine is no bug
hypothesis.settings.load_profile("no deadline")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give an OpenClaw of a release with session files."""
    return Home(tmp_path / "openclaw")


@pytest.fixture
async def store(home: Home) -> AsyncIterator[JsonlStore]:
    """Give the store of that OpenClaw, at a fixed time."""
    made = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), lambda: START, lost_write_seconds=0.01)
    yield made
    await made.close()


@pytest.fixture
def settings(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give settings for one bridge; keywords change them. Nobody's own OpenClaw is looked at."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def make(**changes: Any) -> BridgeSettings:
        values: dict[str, Any] = {
            "openai_base_url": "http://127.0.0.1:9",
            "twilio_base_url": "http://127.0.0.1:9",
            "voice_server_url": "http://127.0.0.1:9",
            "bridge_api_key": SecretStr("secret"),
            "data_dir": tmp_path / "data",
            "config_dir": tmp_path / "config",
            "openclaw_state_dir": home.root,
            "openclaw_gateway_url": "http://127.0.0.1:9",
            "openclaw_context_timeout": 30,
            "history_days": 0,  # the calls of the tests are as old as they are
            "sse_ping_seconds": 0.2,
            "sse_send_seconds": 0.5,
        }
        return BridgeSettings(**values | changes)

    return make


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[Start]:
    """Start bridges; all are stopped in the end."""
    clients: list[TestClient[Any, Any]] = []

    async def start_one(**changes: Any) -> Bridge:
        app = build(settings(**changes))
        client = TestClient(TestServer(app, host="127.0.0.1"), headers={"Authorization": "Bearer secret"})
        await client.start_server()
        clients.append(client)
        return Bridge(client)

    yield start_one
    for client in clients:
        await client.close()


@pytest.fixture
async def bridge(start: Start) -> Bridge:
    """Give a running bridge."""
    return await start()
