"""A call's recording is passed on as the voice server plays it, part by part, to nobody without the key."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from tests.session_bridge.bridge import Start
from tests.voice_server.serving import Answer, free_port, scripted, served

PATH, SOUND = "/phone/history/CA1/recording", "audio/wav"
PART = Answer(
    206,
    b"RIFF",
    SOUND,
    {"Content-Range": "bytes 0-3/9", "Accept-Ranges": "bytes", "ETag": '"1"', "Cache-Control": "no-store"},
)


async def test_a_part_is_asked_for_with_the_bridges_key_and_comes_as_it_is(start: Start) -> None:
    async with scripted(PART) as voice_server:
        bridge = await start(voice_server_url=voice_server.url, voice_api_key=SecretStr("its own"))
        sent = {"Range": "bytes=0-3", "If-Range": '"1"', "Cookie": "a=b"}
        async with bridge.client.get(PATH, headers=sent) as response:
            assert (response.status, response.content_type) == (206, SOUND)
            assert await response.read() == b"RIFF"
            assert {name: response.headers[name] for name in PART.headers} == PART.headers
            assert response.headers["Content-Length"] == "4"
        async with bridge.client.head(PATH) as response:
            assert (response.status, response.headers["Content-Length"]) == (206, "4")
    asked, _ = voice_server.received
    assert (asked.method, asked.path) == ("GET", "/history/CA1/recording")
    assert (asked.headers["Range"], asked.headers["If-Range"]) == ("bytes=0-3", '"1"')
    assert asked.headers["Authorization"] == "Bearer its own"
    assert "Cookie" not in asked.headers


async def test_nobody_listens_without_the_key_of_the_bridge(start: Start) -> None:
    async with scripted(PART) as voice_server:
        bridge = await start(voice_server_url=voice_server.url)
        async with bridge.client.get(PATH, headers={"Authorization": ""}) as response:
            assert response.status == 401
    assert voice_server.received == []


@pytest.mark.parametrize("status", [404, 416, 503])
async def test_why_there_is_none_is_told_in_the_voice_servers_words(start: Start, status: int) -> None:
    refusal = Answer(status, b'{"detail": "Not here yet."}', "application/problem+json")
    async with scripted(refusal) as voice_server:
        bridge = await start(voice_server_url=voice_server.url)
        async with bridge.client.get(PATH) as response:
            assert (response.status, response.content_type) == (status, refusal.content_type)
            assert await response.read() == refusal.body


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (Answer(401, b"{}"), 502, "refuses our key"),
        (Answer(200, b"<html>", "text/html"), 502, "speaks no JSON"),
        (Answer(drop=True), 502, "broke off"),
        (Answer(silent=True), 504, "did not answer"),
    ],
)
async def test_what_is_wrong_with_the_voice_server_is_told(
    start: Start, answer: Answer, status: int, told: str
) -> None:
    async with scripted(answer) as voice_server:
        bridge = await start(voice_server_url=voice_server.url, voice_server_timeout=0.2)
        got, problem = await bridge.get(PATH)
    assert (got, told in problem["detail"]) == (status, True)


async def test_a_voice_server_that_is_away_is_told(start: Start) -> None:
    bridge = await start(voice_server_url=f"http://127.0.0.1:{free_port()}")
    status, problem = await bridge.get(PATH)
    assert (status, "cannot be reached" in problem["detail"]) == (502, True)


async def test_what_breaks_off_is_not_taken_for_the_whole(start: Start) -> None:
    async def cut_short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": SOUND})
        await response.prepare(request)
        await response.write(b"RIFF")
        assert request.transport
        request.transport.abort()
        return response

    app = web.Application()
    app.router.add_get("/history/CA1/recording", cut_short)
    async with served(app) as url:
        bridge = await start(voice_server_url=url)
        with pytest.raises(aiohttp.ClientError):
            async with bridge.client.get(PATH) as response:
                await response.read()


async def test_who_stops_listening_stops_the_voice_server_too(start: Start) -> None:
    stopped = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": SOUND})
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(1 << 16))
        except ConnectionError:
            stopped.set()
        return response

    app = web.Application()
    app.router.add_get("/history/CA1/recording", endless)
    async with served(app) as url:
        bridge = await start(voice_server_url=url)
        async with bridge.client.get(PATH) as response:
            await response.content.readexactly(1 << 20)
            response.close()
        async with asyncio.timeout(5):
            await stopped.wait()
