"""The gateway's WebSocket when something is wrong with it, and what a test may do with its agent."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import ClientError, ClientSession, WSServerHandshakeError

from sandbox.app import Sandbox, running
from sandbox.settings import SandboxSettings
from tests.contract.gateway_client import Connection, RefusedError, connected
from tests.contract.voice_session import READER, VoiceSession

CUT = (ClientError, ConnectionError)
"""How a client learns that the connection was cut."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(SandboxSettings(port=0, speed=150, gateway_release="2026.9.6")) as sandbox:
        yield sandbox


def opened(sandbox: Sandbox) -> AbstractAsyncContextManager[Connection]:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    return connected(sandbox.url, token, *READER)


def texts(sandbox: Sandbox, call: VoiceSession) -> list[str]:
    return [row.text for row in sandbox.gateway.rows(call.names["sessionKey"])]


async def test_left_alone_the_gateway_has_no_websocket(sandbox: Sandbox) -> None:
    sandbox.switches.gateway_release = SandboxSettings().gateway_release
    with pytest.raises(WSServerHandshakeError):
        async with opened(sandbox):
            pass


async def test_the_root_is_for_websockets_alone(sandbox: Sandbox, http: ClientSession) -> None:
    async with http.get(sandbox.url) as response:
        assert response.status == 404


async def test_a_gateway_that_is_down_cuts_whoever_comes_and_whoever_is_there(sandbox: Sandbox) -> None:
    async with opened(sandbox) as connection:
        sandbox.switches.gateway_trouble = "down"
        with pytest.raises(CUT):
            await connection.call("health")
    with pytest.raises(CUT):
        async with opened(sandbox):
            pass


async def test_a_gateway_that_starts_puts_everybody_off(sandbox: Sandbox) -> None:
    sandbox.switches.gateway_trouble = "starting"
    with pytest.raises(RefusedError) as caught:
        async with opened(sandbox):
            pass
    assert (caught.value.code, caught.value.error["retryAfterMs"]) == ("UNAVAILABLE", 500)


async def test_a_silent_gateway_does_what_it_is_asked_but_does_not_say_so(sandbox: Sandbox) -> None:
    async with opened(sandbox) as connection:
        call = VoiceSession(connection)
        await call.create()
        sandbox.switches.gateway_trouble = "silent"
        connection.patience = 0.2
        with pytest.raises(TimeoutError):
            await call.add("1", "user", "one")
        assert texts(sandbox, call) == ["one"]


async def test_a_socket_that_drops_has_let_the_last_row_in_and_ends_the_voice_session(
    sandbox: Sandbox,
) -> None:
    sandbox.switches.gateway_trouble = "drops"
    sandbox.switches.gateway_rows = 2
    async with opened(sandbox) as connection:
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "one")
        with pytest.raises(CUT):
            await call.add("2", "assistant", "two")
    assert texts(sandbox, call) == ["one", "two"]
    async with opened(sandbox) as again:
        call.connection = again
        with pytest.raises(RefusedError, match="already closed"):
            await call.create()


async def test_all_lines_are_cut_at_once(sandbox: Sandbox) -> None:
    async with opened(sandbox) as one, opened(sandbox) as two:
        sandbox.gateway.cut_lines()
        for connection in (one, two):
            with pytest.raises(CUT):
                await connection.call("health")


async def test_a_voice_session_outlives_a_gateway_that_is_killed(sandbox: Sandbox) -> None:
    sandbox.switches.gateway_talk_seconds = 3600
    async with opened(sandbox) as connection:
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "one")
        sandbox.gateway.kill()
        with pytest.raises(CUT):
            await call.add("2", "assistant", "two")
    async with opened(sandbox) as again:
        call.connection = again
        for entry, text in (("1", "one"), ("2", "two")):
            await call.add(entry, "user", text)
        await call.create()
        await call.close()
    assert texts(sandbox, call) == ["one", "two"]


async def test_a_run_is_seen_until_it_ends(sandbox: Sandbox) -> None:
    async with opened(sandbox) as connection:
        await connection.call("sessions.subscribe")
        run_id = sandbox.gateway.start_run("main")
        await connection.event("sessions.changed", phase="start", hasActiveRun=True)
        history = await connection.call("chat.history", sessionKey="main")
        assert history["sessionInfo"]["activeRunIds"] == [run_id]
        sandbox.gateway.end_run("main", run_id)
        await connection.event("sessions.changed", phase="end", hasActiveRun=False)


async def test_a_busy_gateway_is_in_mid_turn_everywhere(sandbox: Sandbox) -> None:
    sandbox.switches.gateway_busy = True
    async with opened(sandbox) as connection:
        history = await connection.call("chat.history", sessionKey="agent:main:direct:nobody")
        assert history["sessionInfo"]["hasActiveRun"]


@pytest.mark.parametrize(("kept", "seen"), [(0, []), (6, ["one"])])
async def test_a_reset_is_told_and_leaves_to_see_what_it_keeps(
    sandbox: Sandbox, kept: int, seen: list[str]
) -> None:
    async with opened(sandbox) as connection:
        await connection.call("sessions.subscribe")
        call = VoiceSession(connection)
        await call.create()
        await call.add("1", "user", "one")
        sandbox.gateway.reset(call.names["sessionKey"], kept=kept)
        await connection.event("sessions.changed", reason="reset")
        assert texts(sandbox, call) == seen
        assert await call.has("1")
