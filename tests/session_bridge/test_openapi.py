from aiohttp import web

from services.session_bridge.keys import TAILS
from services.session_bridge.routes.phone import FORWARDS
from shared import problems
from tests.contract import openapi
from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import call
from tests.voice_server.serving import served


def voice_server() -> web.Application:
    """Make a voice server that knows no call and takes every order."""

    async def answer(request: web.Request) -> web.Response:
        if request.match_info:
            return problems.response(404, "Not found", "There is no such call.")
        return web.json_response({}, status=202 if request.method == "POST" else 200)

    app = web.Application()
    app.add_routes([web.route(forward.method, forward.path, answer) for forward in FORWARDS])
    app.router.add_get("/history/{id}/recording", answer)
    return app


async def test_the_document_is_valid_complete_and_open_to_everybody(bridge: Bridge) -> None:
    async with bridge.client.get("/openapi.json", headers={"Authorization": ""}) as response:
        assert response.status == 200
        document = await response.json()
    assert bridge.client.app
    openapi.check(document, bridge.client.app)


async def test_the_document_says_that_a_cookie_is_as_good_as_the_key(bridge: Bridge) -> None:
    _, document = await bridge.get("/openapi.json")
    security = {path: op["security"] for path, ops in document["paths"].items() for op in ops.values()}
    opened = {path for path, wanted in security.items() if not wanted}
    assert opened == {"/", "/web/{file}", "/sign-in", "/health", "/openapi.json"}
    assert all(wanted == [{"bearer": []}, {"cookie": []}] for wanted in security.values() if wanted)
    assert set(document["paths"]["/sign-in"]) == {"post", "get", "delete"}


async def test_the_bridge_keeps_what_its_document_promises(start: Start) -> None:
    async with served(voice_server()) as url:
        bridge = await start(voice_server_url=url, openclaw_store="jsonl")
        await bridge.tell(call("user: hi", "assistant: hello"))
        await bridge.until_all_are("synced")
        assert bridge.client.app
        bridge.client.app[TAILS].close()  # event streams then end at once, as every answer has to
        await openapi.fuzz(str(bridge.client.make_url("")).rstrip("/"), "secret")
