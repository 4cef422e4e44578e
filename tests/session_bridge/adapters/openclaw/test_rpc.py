import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.app import Sandbox
from services.session_bridge.adapters.openclaw.rpc import TRANSCRIPT
from services.session_bridge.adapters.openclaw.socket import GatewayRefusedError
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from tests.session_bridge.gateway import connected, playing
from tests.session_bridge.waiting import until


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with playing() as made:
        yield made


@pytest.mark.parametrize(
    ("release", "told", "takes", "reads_files"),
    [
        ("2026.9.6", (2026, 9, 6), True, False),
        ("2026.7.35", (2026, 7, 35), False, True),
        ("2026.2.2", None, False, True),
    ],
)
async def test_a_gateway_of_any_release_is_known_for_what_it_is(
    release: str, told: tuple[int, int, int] | None, takes: bool, reads_files: bool
) -> None:
    async with playing(release) as sandbox, connected(sandbox) as rpc:

        async def known() -> bool:
            return rpc.hello is not None

        await until(known)
        assert rpc.hello is not None
        assert (rpc.hello.release, rpc.offers(TRANSCRIPT), rpc.hello.reads_files) == (
            told,
            takes,
            reads_files,
        )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"token": "wrong"}, "Set OPENCLAW_GATEWAY_TOKEN to the token in its openclaw.json"),
        ({"token": None}, "Set OPENCLAW_GATEWAY_TOKEN to its token or password"),
        ({"url": "http://127.0.0.1:9"}, "start it, or correct OPENCLAW_GATEWAY_URL"),
    ],
)
async def test_what_keeps_us_out_is_told_with_what_to_change(
    sandbox: Sandbox, changes: dict[str, str | None], fault: str
) -> None:
    async with connected(sandbox, **changes) as rpc:
        assert fault in rpc.fault
        with pytest.raises(CannotWriteYetError, match="gateway"):
            await rpc.call("health")


async def test_answers_find_their_requests_among_events_and_each_other(sandbox: Sandbox) -> None:
    async with connected(sandbox) as rpc:
        keys = [f"agent:main:direct:{place}" for place in range(20)]
        answers = await asyncio.gather(*(rpc.call("chat.history", sessionKey=key) for key in keys))
    assert [answer["sessionKey"] for answer in answers] == keys


async def test_a_refusal_has_the_gateways_own_words(sandbox: Sandbox) -> None:
    async with connected(sandbox) as rpc:
        with pytest.raises(GatewayRefusedError, match="missing scope") as caught:
            await rpc.call("no.such")
        assert caught.value.code == "MISSING_SCOPE"


async def test_a_connection_that_breaks_is_made_again_and_who_waited_is_told(sandbox: Sandbox) -> None:
    async with connected(sandbox, timeout_seconds=30) as rpc:
        sandbox.world.switches.gateway_trouble = "silent"
        waiting = asyncio.gather(
            rpc.call("chat.history", sessionKey="agent:main:main"), return_exceptions=True
        )
        await asyncio.sleep(0)
        sandbox.world.switches.gateway_trouble = "none"
        sandbox.gateway.cut_lines()
        (error,) = await waiting
        assert isinstance(error, CannotWriteYetError)

        async def back() -> bool:
            return rpc.hello is not None

        await until(back)
        assert await rpc.call("chat.history", sessionKey="agent:main:main")


async def test_an_answer_that_never_comes_is_not_waited_for(sandbox: Sandbox) -> None:
    async with connected(sandbox, timeout_seconds=0.1) as rpc:
        sandbox.world.switches.gateway_trouble = "silent"
        with pytest.raises(CannotWriteYetError, match=r"did not answer chat\.history in time"):
            await rpc.call("chat.history", sessionKey="agent:main:main")


async def test_a_gateway_that_is_starting_is_asked_again(sandbox: Sandbox) -> None:
    sandbox.world.switches.gateway_trouble = "starting"
    async with connected(sandbox) as rpc:
        assert "gateway starting" in rpc.fault
        sandbox.world.switches.gateway_trouble = "none"

        async def in_() -> bool:
            return rpc.hello is not None

        await until(in_)


async def test_an_entry_is_made_by_gateways_that_keep_files_alone(sandbox: Sandbox) -> None:
    async with connected(sandbox) as rpc:
        assert not await rpc.create_entry("agent:main:voice:direct:+1", "Phone +1")
    async with playing("2026.7.35") as older, connected(older) as rpc:

        async def known() -> bool:
            return rpc.hello is not None

        await until(known)
        assert await rpc.create_entry("agent:main:voice:direct:+1", "Phone +1")
        assert "agent:main:voice:direct:+1" in older.gateway.memory.conversations


@pytest.mark.parametrize(
    "first",
    [
        *("[]", "nonsense", '{"type":"event","event":"hello"}'),
        '{"event":"connect.challenge"}{"id":"connect","ok":true,"payload":[]}',
        '{"event":"connect.challenge"}{"id":"connect","ok":true,"payload":{"protocol":4,"features":7}}',
    ],
)
async def test_something_else_at_the_address_is_no_gateway(sandbox: Sandbox, first: str) -> None:
    async def greet(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in first.replace("}{", "}\n{").split("\n"):
            await socket.send_str(frame)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/", greet)
    async with (
        TestServer(app, host="127.0.0.1") as server,
        connected(sandbox, url=str(server.make_url("/"))) as rpc,
    ):
        assert "No OpenClaw gateway answers" in rpc.fault
