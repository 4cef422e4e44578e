import time

from aiohttp import ClientSession

from services.session_bridge.domain.sign_in import issue
from tests.contract import openapi
from tests.voice_server.running_server import KEY, RunningServer, Start


async def test_the_document_is_valid_complete_and_open_to_everybody(server: RunningServer) -> None:
    status, document = await server.ask("GET", "/openapi.json", key=None)
    assert status == 200
    openapi.check(document, server.app)


async def test_no_cookie_is_as_good_as_the_key(server: RunningServer) -> None:
    _, document = await server.ask("GET", "/openapi.json", key=None)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "openai", "twilio"}
    cookies = {"Cookie": f"openclaw_phone={issue(KEY, time.time())}"}
    async with ClientSession() as http, http.get(f"{server.url}/calls", headers=cookies) as response:
        assert response.status == 401


async def test_the_server_keeps_what_its_document_promises(start: Start) -> None:
    server = await start(MAX_CALLS_PER_HOUR="1000000", MAX_CONCURRENT_CALLS="10000")
    await openapi.fuzz(server.url, KEY)
