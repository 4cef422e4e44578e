"""The faults of OpenAI's that are about the call as a whole, seen by a service that does its part."""

import asyncio
from contextlib import suppress

import pytest
from aiohttp import ClientSession, WSMsgType

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.scripts import with_fault
from tests.sandbox.voice_server import VoiceServer

KEY = {"Authorization": "Bearer sk-proj-sandbox"}
SESSION = {"type": "realtime", "model": "gpt-realtime-2.1"}


def ring(sandbox: Sandbox, name: str, script: str | None = None) -> RealtimeCall:
    """Let somebody phone in through the trunk."""
    call = sandbox.phone_in(script=with_fault(name, script)).realtime
    assert call
    return call


async def post(http: ClientSession, sandbox: Sandbox, call: RealtimeCall, verb: str) -> int:
    """Use call control; the status."""
    url = f"{sandbox.url}/v1/realtime/calls/{call.call_id}/{verb}"
    async with http.post(url, headers=KEY, json=SESSION if verb == "accept" else None) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("name", "verb", "statuses", "live"),
    [
        ("accept-failed", "accept", [500, 200], True),
        ("accept-failed-but-taken", "accept", [500, 404], True),
        ("accept-busy", "accept", [429, 200], True),
        ("accept-refused", "accept", [400, 400, 400], False),
        ("accept-slow", "accept", [200], True),
        ("reject-failed", "reject", [500, 200], False),
    ],
)
async def test_call_control_answers_as_the_fault_says(
    sandbox: Sandbox, http: ClientSession, name: str, verb: str, statuses: list[int], live: bool
) -> None:
    call = ring(sandbox, name)
    assert [await post(http, sandbox, call, verb) for _ in statuses] == statuses
    assert call.is_live is live


async def test_a_hang_up_fails_three_times(sandbox: Sandbox, http: ClientSession) -> None:
    call = ring(sandbox, "hangup-failed")
    await post(http, sandbox, call, "accept")
    assert [await post(http, sandbox, call, "hangup") for _ in range(4)] == [500, 500, 500, 200]


@pytest.mark.parametrize(("name", "misses"), [("sideband-late", 3), ("sideband-never", 9)])
async def test_a_sideband_is_not_found_at_first(
    sandbox: Sandbox, http: ClientSession, name: str, misses: int
) -> None:
    call = ring(sandbox, name)
    await post(http, sandbox, call, "accept")
    for _ in range(misses):
        async with http.get(f"{sandbox.url}/v1/realtime?call_id={call.call_id}", headers=KEY) as answer:
            assert answer.status == 404
    if name == "sideband-late":
        async with http.ws_connect(f"{sandbox.url}/v1/realtime?call_id={call.call_id}", headers=KEY):
            pass


@pytest.mark.parametrize(
    ("name", "code", "live"),
    [
        ("sideband-drops", 1006, True),
        ("sideband-restarted", 1001, True),
        ("sideband-failed", 1011, True),
        ("session-expired", 1001, False),
    ],
)
async def test_a_sideband_ends_in_mid_call(
    sandbox: Sandbox, http: ClientSession, name: str, code: int, live: bool
) -> None:
    sandbox.switches.greeting_seconds = 0.01
    call = ring(sandbox, name, "endless")
    await post(http, sandbox, call, "accept")
    async with http.ws_connect(f"{sandbox.url}/v1/realtime?call_id={call.call_id}", headers=KEY) as socket:
        frames = [message.json() async for message in socket if message.type is WSMsgType.TEXT]
        assert socket.close_code == code
    assert call.is_live is live
    if not live:
        assert frames[-1]["error"]["code"] == "session_expired"
        assert call.cause is EndCause.EXPIRED


async def test_a_silent_sideband_carries_not_even_the_end(sandbox: Sandbox, http: ClientSession) -> None:
    sandbox.switches.greeting_seconds = 0.01
    call = ring(sandbox, "sideband-falls-silent", "endless")
    await post(http, sandbox, call, "accept")
    async with http.ws_connect(f"{sandbox.url}/v1/realtime?call_id={call.call_id}", headers=KEY) as socket:
        await sandbox.world.watch.until(lambda: call.emitted > sandbox.switches.mid_call + 20)
        told = len(call.sent)
        call.end(EndCause.CALLER_HUNG_UP)
        seen = []
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while True:
                    seen.append((await socket.receive()).type)
        assert set(seen) == {WSMsgType.TEXT}
        assert len(call.sent) == told


@pytest.mark.parametrize(
    ("name", "deliveries", "ids"),
    [("webhook-doubled", 2, 1), ("webhook-doubled-anew", 2, 2), ("webhook-of-live-too", 3, 3)],
)
async def test_a_webhook_is_delivered_more_than_once(
    sandbox: Sandbox, voice_server: VoiceServer, name: str, deliveries: int, ids: int
) -> None:
    ring(sandbox, name)
    await sandbox.world.watch.until(lambda: len(sandbox.openai.webhooks.deliveries) == deliveries)
    assert len({one.webhook_id for one in sandbox.openai.webhooks.deliveries}) == ids


async def test_a_caller_may_be_gone_before_the_webhook(sandbox: Sandbox, http: ClientSession) -> None:
    call = ring(sandbox, "webhook-after-hang-up")
    await sandbox.world.watch.until(lambda: bool(sandbox.openai.webhooks.deliveries))
    assert await post(http, sandbox, call, "accept") == 404
