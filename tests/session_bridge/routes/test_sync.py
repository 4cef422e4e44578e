from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.calls import CALL, NUMBER, call
from tests.session_bridge.openclaw import Home

VOICE = f"agent:main:voice:direct:{NUMBER}"
SYNC = {"callId": CALL}


@pytest.fixture
async def voice_server() -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Give a voice server's address and its one call; it answers to both of the call's ids."""
    history = {
        "call_id": CALL,
        "direction": "inbound",
        "status": "completed",
        "from": NUMBER,
        "to": "+14155550199",
        "started_at": "2026-11-22T14:03:11.204Z",
    }
    spoken = [
        {"timestamp": "2026-11-22T14:03:12Z", "speaker": "user", "content": "hi", "item_id": "item_1"},
        {
            "timestamp": "2026-11-22T14:03:13Z",
            "speaker": "assistant",
            "content": "hello",
            "item_id": "item_2",
        },
    ]

    async def answer(request: web.Request) -> web.Response:
        if request.match_info["id"] not in {CALL, "rtc_1"}:
            raise web.HTTPNotFound
        whole = request.path.endswith("/transcript")
        return web.json_response({"call_id": CALL, "transcript": spoken} if whole else history)

    app = web.Application()
    app.add_routes([web.get("/history/{id}", answer), web.get("/history/{id}/transcript", answer)])
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/"), history


async def test_a_call_that_is_written_injects_nothing_more(bridge: Bridge) -> None:
    await bridge.tell(call("user: hi"))
    await bridge.until_all_are("synced")
    for _ in range(2):
        answer = {"success": True, "sessionKey": VOICE, "messagesInjected": 0, "store": "jsonl"}
        assert await bridge.post("/sync-transcript", SYNC) == (200, answer)


async def test_a_running_call_is_refused(bridge: Bridge) -> None:
    await bridge.tell(call("user: hi")[:2])
    status, problem = await bridge.post("/sync-transcript", SYNC)
    assert (status, problem["title"]) == (409, "Call is running")


async def test_what_cannot_be_written_yet_is_pending_with_the_reason(start: Start, home: Home) -> None:
    home.sessions.rmdir()
    bridge = await start()
    await bridge.tell(call("user: hi"))
    status, answer = await bridge.post("/sync-transcript", SYNC)
    assert (status, answer["success"], answer["state"]) == (202, False, "pending")
    assert "no OpenClaw to be seen" in answer["reason"]
    home.sessions.mkdir()
    await bridge.until_all_are("synced")


async def test_a_call_of_which_nothing_came_is_fetched_once(
    start: Start, home: Home, voice_server: tuple[str, Any]
) -> None:
    bridge = await start(voice_server_url=voice_server[0])
    answers = [
        (await bridge.post("/sync-transcript", {"callId": name}))[1] for name in ("rtc_1", CALL, "rtc_1")
    ]
    assert [answer["messagesInjected"] for answer in answers] == [2, 0, 0]
    assert home.texts(VOICE) == ["user: hi", "assistant: hello"]
    (session,) = await bridge.sessions()
    assert (session["callId"], session["turns"], session["state"]) == (CALL, 2, "synced")


async def test_events_that_come_after_their_call_was_fetched_double_nothing(
    start: Start, home: Home, voice_server: tuple[str, Any]
) -> None:
    bridge = await start(voice_server_url=voice_server[0])
    await bridge.post("/sync-transcript", SYNC)
    await bridge.tell(call("user: hi", "assistant: hello"))
    await bridge.until_all_are("synced")
    assert home.texts(VOICE) == ["user: hi", "assistant: hello"]


async def test_a_call_still_running_at_the_voice_server_is_refused(
    start: Start, voice_server: tuple[str, Any]
) -> None:
    voice_server[1]["status"] = "in-progress"
    bridge = await start(voice_server_url=voice_server[0])
    assert (await bridge.post("/sync-transcript", SYNC))[0] == 409


async def test_a_call_nobody_knows_is_not_found(start: Start, voice_server: tuple[str, Any]) -> None:
    bridge = await start(voice_server_url=voice_server[0])
    assert (await bridge.post("/sync-transcript", {"callId": "CA9"}))[0] == 404


async def test_a_voice_server_that_is_away_is_a_bad_gateway(bridge: Bridge) -> None:
    status, problem = await bridge.post("/sync-transcript", SYNC)
    assert status == 502
    assert "VOICE_SERVER_URL" in problem["detail"]


@pytest.mark.parametrize("body", [{}, {"callId": ""}, {"callId": "../x"}, {"callId": CALL, "force": True}])
async def test_a_request_of_another_form_is_refused(bridge: Bridge, body: object) -> None:
    assert (await bridge.post("/sync-transcript", body))[0] == 422
