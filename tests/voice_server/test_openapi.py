from tests.contract import openapi
from tests.voice_server.running_server import KEY, RunningServer, Start


async def test_the_document_is_valid_complete_and_open_to_everybody(server: RunningServer) -> None:
    status, document = await server.ask("GET", "/openapi.json", key=None)
    assert status == 200
    openapi.check(document, server.app)


async def test_the_server_keeps_what_its_document_promises(start: Start) -> None:
    server = await start(MAX_CALLS_PER_HOUR="1000000", MAX_CONCURRENT_CALLS="10000")
    await openapi.fuzz(server.url, KEY)
