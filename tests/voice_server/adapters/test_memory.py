from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web
from structlog.testing import capture_logs

from services.voice_server.adapters.memory import Memory
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


async def test_no_bridge_is_no_memory() -> None:
    async with ClientSession() as http:
        assert await Memory(http, "http://127.0.0.1:9", {}).newest(KEY) == []
