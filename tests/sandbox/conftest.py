from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, encode_basic_auth
from openai import AsyncOpenAI
from twilio.rest import Client

from sandbox.app import Sandbox, running
from sandbox.settings import SandboxSettings
from tests.sandbox.twilio_rest import Rest
from tests.sandbox.voice_server import VoiceServer, voice_server_for


@pytest.fixture
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Play fast; a test that strikes at a moment says how fast at most."""
    async with running(SandboxSettings(port=0, speed=getattr(request, "param", 150))) as running_sandbox:
        yield running_sandbox


@pytest.fixture
async def voice_server(sandbox: Sandbox) -> AsyncIterator[VoiceServer]:
    async with voice_server_for(sandbox) as server:
        yield server


@pytest.fixture
async def openai_client(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, pointed at the sandbox."""
    environment = sandbox.service_environment()
    async with AsyncOpenAI(
        base_url=environment["OPENAI_BASE_URL"],
        api_key=environment["OPENAI_API_KEY"],
        webhook_secret=environment["OPENAI_WEBHOOK_SECRET"],
        max_retries=0,
    ) as client:
        yield client


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[Rest]:
    """Twilio's REST as our account may use it."""
    settings = sandbox.world.settings
    account, token = settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()
    async with ClientSession(headers={"Authorization": encode_basic_auth(account, token)}) as http:
        yield Rest(http, sandbox.url, account)


@pytest.fixture
def twilio_client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Twilio's own client, pointed at the sandbox; it blocks, so use it in a thread."""
    for name in ("TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    settings = sandbox.world.settings
    client = Client(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    for host in (client.api, client.trunking, client.voice):
        host.base_url = sandbox.url
    return client


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session
