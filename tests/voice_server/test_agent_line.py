"""The agent is made ready while the phone rings, and remembers anew where a call is accepted again."""

import pytest

from sandbox.app import Sandbox
from tests.voice_server.fake_openai import fake_openai
from tests.voice_server.raw_gateway import raw_gateway
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, Start


async def test_the_gateway_is_made_ready_once_before_an_owner_asks(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    async with raw_gateway() as gateway:
        await start(OPENCLAW_GATEWAY_URL=gateway.url)
        call_id = sandbox.phone_in(OWNER, "greeting").id
        await gateway.watch.until(lambda: bool(gateway.prepared))
        await bridge.until("call_ended", call_id)
        assert (gateway.prepared, gateway.questions) == ([0], [])


async def test_for_a_guest_the_gateway_is_left_alone(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    async with raw_gateway() as gateway:
        await start(OPENCLAW_GATEWAY_URL=gateway.url)
        await bridge.until("call_ended", sandbox.phone_in(GUEST, "talk").id)
        assert gateway.connections == []


@pytest.mark.parametrize("person", [OWNER, GUEST])
async def test_a_call_accepted_again_after_a_crash_remembers_the_chat_again(
    start: Start, bridge: RecordingBridge, person: str
) -> None:
    bridge.remembered = [{"role": "user", "text": "Book the vet.", "timestamp": None}]
    async with fake_openai() as openai:
        openai.slow_accept = True
        first = await start(OPENAI_BASE_URL=openai.url)
        await first.offer("rtc_1", ("From", f"<sip:{person}@pstn.twilio.com>"))
        await openai.watch.until(lambda: len(openai.accepted) == 1)
        await first.crash()
        second = await start(OPENAI_BASE_URL=openai.url)
        await openai.watch.until(lambda: len(openai.accepted) == 2)
        for accepted in openai.accepted:
            assert accepted["instructions"].endswith('user: "Book the vet."')
        await second.ask("DELETE", "/call/rtc_1")
        await bridge.until("call_ended", "rtc_1")
