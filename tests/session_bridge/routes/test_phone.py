from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from services.session_bridge.routes.phone import FORWARDS
from tests.session_bridge.bridge import Bridge, Start
from tests.voice_server.serving import Answer, ScriptedPeer, scripted

PROBLEM = "application/problem+json"
ORDER = {"to": "+14155550123", "message": "Hello!"}


@asynccontextmanager
async def page(start: Start, answer: Answer, **changes: Any) -> AsyncIterator[tuple[Bridge, ScriptedPeer]]:
    """Give a bridge, and the voice server behind it, which answers this."""
    async with scripted(answer) as voice_server:
        yield (
            await start(
                voice_server_url=voice_server.url, voice_api_key=SecretStr("the voice's own"), **changes
            ),
            voice_server,
        )


@pytest.mark.parametrize("forward", FORWARDS, ids=lambda forward: forward.name)
async def test_each_route_is_the_voice_servers_of_the_same_name(start: Start, forward: Any) -> None:
    path = forward.path.format(id="rtc_a-1")
    body = ORDER if forward.method == "POST" else None
    answer = Answer(forward.answers[0], b'{"some": "thing"}')
    async with (
        page(start, answer) as (bridge, voice_server),
        bridge.client.request(forward.method, f"/phone{path}", json=body) as response,
    ):
        assert (response.status, response.content_type) == (answer.status, "application/json")
        assert await response.read() == answer.body
    (asked,) = voice_server.received
    assert (asked.method, asked.path) == (forward.method, path)
    assert orjson.loads(asked.body or b"null") == body


@pytest.mark.parametrize("forward", FORWARDS, ids=lambda forward: forward.name)
async def test_nobody_asks_without_the_key_of_the_bridge(start: Start, forward: Any) -> None:
    async with page(start, Answer()) as (bridge, voice_server):
        path = f"/phone{forward.path.format(id='CA1')}"
        async with bridge.client.request(forward.method, path, headers={"Authorization": ""}) as response:
            assert response.status == 401
    assert voice_server.received == []


async def test_a_call_is_placed_with_the_key_of_the_bridge_and_what_the_client_sends_stays_behind(
    start: Start,
) -> None:
    sent = {
        "Cookie": "session=1",
        "Idempotency-Key": "once",
        "X-Forwarded-For": "192.0.2.1",
        "Origin": "http://x",
    }
    answer = Answer(
        202, b"{}", headers={"Location": "/history/CA1", "Set-Cookie": "a=b", "Server": "x", "X-Other": "1"}
    )
    async with page(start, answer) as (bridge, voice_server):
        for _ in range(2):
            async with bridge.client.post("/phone/call", json=ORDER, headers=sent) as response:
                assert response.status == 202
                assert response.headers["Location"] == "/phone/history/CA1"
                assert not {"Set-Cookie", "X-Other"} & set(response.headers)
                assert response.headers["Server"] != "x"
    for asked in voice_server.received:
        assert asked.headers["Authorization"] == "Bearer the voice's own"
        assert asked.headers["Idempotency-Key"] == "once"
        assert asked.headers["Content-Type"] == "application/json"
        assert not {"Cookie", "X-Forwarded-For", "Origin"} & set(asked.headers)


async def test_a_location_that_leads_elsewhere_is_not_passed_on(start: Start) -> None:
    answer = Answer(202, b"{}", headers={"Location": "http://127.0.0.1:9/history/CA1"})
    async with page(start, answer) as (bridge, _), bridge.client.post("/phone/call", json=ORDER) as response:
        assert (response.status, response.headers.get("Location")) == (202, None)


async def test_a_query_goes_on_as_it_was_meant(start: Start) -> None:
    async with page(start, Answer(200, b"{}")) as (bridge, voice_server):
        await bridge.get("/phone/history?number=%2B14155550123&limit=2&a%26b=c%3Dd+e&limit=3")
    assert voice_server.received[0].path == "/history?number=%2B14155550123&limit=2&a%26b=c%3Dd+e&limit=3"


async def test_a_query_that_is_no_text_goes_on_all_the_same(start: Start) -> None:
    async with page(start, Answer(422, b"{}", PROBLEM)) as (bridge, voice_server):
        assert (await bridge.get("/phone/history?a=%ff%00%ed%a0%80&b"))[0] == 422
    assert len(voice_server.received) == 1


@pytest.mark.parametrize("name", ["a.b", "..%2Fcalls", "a%20b", "x" * 129, "%C3%A4"])
async def test_an_id_of_another_form_is_refused_here(start: Start, name: str) -> None:
    async with page(start, Answer(200, b"{}")) as (bridge, voice_server):
        for path in (f"/phone/history/{name}", f"/phone/history/{name}/transcript"):
            assert (await bridge.get(path))[0] == 422
        async with bridge.client.delete(f"/phone/call/{name}") as response:
            assert response.status == 422
    assert voice_server.received == []


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"to": "+14155550123"}', "text/plain", 415),
        (b"to=+14155550123", "application/x-www-form-urlencoded", 415),
        (b"[1]", "application/json", 422),
        (b"{", "application/json", 422),
        (b'{"a": "%s"}' % (b"x" * 300_000), "application/json", 413),
    ],
)
async def test_a_body_of_another_form_is_refused_here(
    start: Start, body: bytes, media_type: str, status: int
) -> None:
    async with page(start, Answer(202, b"{}")) as (bridge, voice_server):
        headers = {"Content-Type": media_type}
        async with bridge.client.post("/phone/call", data=body, headers=headers) as response:
            assert (response.status, response.content_type) == (status, PROBLEM)
    assert voice_server.received == []


@pytest.mark.parametrize("status", [403, 404, 409, 422, 429, 500, 502, 503])
async def test_what_the_voice_server_refuses_is_refused_in_its_own_words(start: Start, status: int) -> None:
    refusal = Answer(status, b'{"detail": "Because.", "more": 1}', PROBLEM, {"Retry-After": "7"})
    async with page(start, refusal) as (bridge, _), bridge.client.post("/phone/call", json=ORDER) as response:
        assert (response.status, response.content_type) == (status, PROBLEM)
        assert response.headers["Retry-After"] == "7"
        assert await response.read() == refusal.body


async def test_a_key_that_the_voice_server_refuses_is_not_the_clients_fault(start: Start) -> None:
    async with page(start, Answer(401, b"{}", PROBLEM)) as (bridge, _):
        status, problem = await bridge.get("/phone/calls")
    assert status == 502
    assert "set the same VOICE_API_KEY for both" in problem["detail"]


async def test_a_voice_server_that_is_away_is_a_bad_gateway_with_what_to_do(bridge: Bridge) -> None:
    status, problem = await bridge.get("/phone/calls")
    assert status == 502
    assert "start it or set VOICE_SERVER_URL" in problem["detail"]


async def test_a_voice_server_that_is_slow_is_a_gateway_timeout_with_what_to_do(start: Start) -> None:
    async with page(start, Answer(silent=True), voice_server_timeout=0.05) as (bridge, _):
        status, problem = await bridge.post("/phone/call", ORDER)
    assert status == 504
    assert "look before you ask again" in problem["detail"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<script>", "text/html"),
        Answer(502, b"Bad Gateway", "text/plain"),
        Answer(307, headers={"Location": "http://127.0.0.1:9/"}, content_type="text/plain"),
    ],
)
async def test_what_is_no_json_is_not_passed_on(start: Start, answer: Answer) -> None:
    async with page(start, answer) as (bridge, _):
        status, problem = await bridge.post("/phone/call", ORDER)
    assert status == 502
    assert "VOICE_SERVER_URL" in problem["detail"]
