import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from services.voice_server.adapters.memory import LONGEST_ANSWER_BYTES, Memory
from services.voice_server.domain.background import PastTurn
from shared.events import Speaker
from tests.voice_server.serving import served

TURN = {"role": "user", "text": "Book the vet.", "timestamp": "2026-11-24T14:03:00.000Z"}
KEY = "agent:main:direct:+1/4155550123"


class Bridge:
    """Answer for the bridge what a test wants answered."""

    def __init__(self) -> None:
        self.answer: Any = {"sessionKey": KEY, "store": "jsonl", "turns": [TURN]}
        self.status = 200
        self.asked: list[tuple[str, str, str]] = []

    async def context(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self.asked.append((key, request.query["limit"], request.headers["Authorization"]))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
async def memory(bridge: Bridge) -> AsyncIterator[Memory]:
    app = web.Application()
    app.router.add_get("/sessions/{key}/context", bridge.context)
    async with served(app) as url, ClientSession() as http:
        yield Memory(http, url, {"Authorization": "Bearer secret"})


async def test_the_newest_turns_are_read(memory: Memory, bridge: Bridge) -> None:
    at = datetime(2026, 11, 24, 14, 3, tzinfo=UTC)
    assert await memory.newest(KEY) == [PastTurn(Speaker.CALLER, "Book the vet.", at)]
    assert bridge.asked == [(KEY, "16", "Bearer secret")]


async def test_who_said_something_at_an_unknown_time_is_remembered(memory: Memory, bridge: Bridge) -> None:
    bridge.answer = {"turns": [{"role": "assistant", "text": "Done.", "timestamp": None}]}
    assert await memory.newest(KEY) == [PastTurn(Speaker.ASSISTANT, "Done.", None)]


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (503, {"title": "OpenClaw out of reach"}),
        (200, {"turns": [{"role": "wizard", "text": "secret words"}]}),
        (200, {"turns": [{**TURN, "text": "secret words\ud83d"}]}),  # the bridge tells whole characters
        (200, ["secret words"]),
        (302, {"turns": [TURN]}),
    ],
)
async def test_what_cannot_be_read_is_no_memory_and_no_text_of_it_is_logged(
    memory: Memory, bridge: Bridge, status: int, answer: Any
) -> None:
    bridge.status, bridge.answer = status, answer
    with capture_logs() as logged:
        assert await memory.newest(KEY) == []
    assert [line["event"] for line in logged] == ["memory_not_read"]
    assert "secret words" not in str(logged)


async def test_a_key_that_cannot_be_sent_is_no_memory(memory: Memory, bridge: Bridge) -> None:
    assert await memory.newest("agent:main:\ud800") == []
    assert bridge.asked == []


async def test_no_bridge_is_no_memory() -> None:
    async with ClientSession() as http:
        assert await Memory(http, "http://127.0.0.1:9", {}).newest(KEY) == []


async def test_more_than_can_be_background_is_not_read(memory: Memory, bridge: Bridge) -> None:
    bridge.answer = {"turns": [{**TURN, "text": "secret words" * (LONGEST_ANSWER_BYTES // 12)}]}
    with capture_logs() as logged:
        assert await memory.newest(KEY) == []
    assert [(line["event"], line["fault"]) for line in logged] == [("memory_not_read", "ClientPayloadError")]


@pytest.mark.parametrize(
    "answer",
    [
        b"secret words",
        b"HTTP/1.1 200 OK\r\nsecret words\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nsecret words",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsecret words",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret words\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nsecret words",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"",
    ],
)
async def test_what_is_no_answer_is_no_memory(answer: bytes) -> None:
    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    with capture_logs() as logged:
        assert await _newest(write, 5) == []
    assert [line["event"] for line in logged] == ["memory_not_read"]
    assert "secret words" not in str(logged)


async def test_who_does_not_answer_in_time_is_not_waited_for() -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.append(writer)

    waiting: list[asyncio.StreamWriter] = []
    with capture_logs() as logged:
        assert await _newest(say_nothing, 0.1) == []
    assert [line["event"] for line in logged] == ["memory_not_read"]
    waiting[0].close()


async def _newest(
    answering: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], seconds: float
) -> list[PastTurn]:
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    async with server, ClientSession() as http:
        port = server.sockets[0].getsockname()[1]
        return await Memory(http, f"http://127.0.0.1:{port}", {}, seconds).newest(KEY)
