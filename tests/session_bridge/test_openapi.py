from services.session_bridge.keys import TAILS
from tests.contract import openapi
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import call
from tests.voice_server.serving import Answer, scripted


async def test_the_document_is_valid_complete_and_open_to_everybody(bridge: Bridge) -> None:
    async with bridge.client.get("/openapi.json", headers={"Authorization": ""}) as response:
        assert response.status == 200
        document = await response.json()
    assert bridge.client.app
    openapi.check(document, bridge.client.app)


async def test_the_bridge_keeps_what_its_document_promises(start: Start) -> None:
    async with scripted(Answer(404)) as voice_server:
        bridge = await start(voice_server_url=voice_server.url, openclaw_store="jsonl")
        await bridge.tell(call("user: hi", "assistant: hello"))
        await bridge.until_all_are("synced")
        assert bridge.client.app
        bridge.client.app[TAILS].close()  # event streams then end at once, as every answer has to
        await openapi.fuzz(str(bridge.client.make_url("")).rstrip("/"), "secret")
