"""Whatever OpenAI or the disk does, no leg is left behind that nobody would hang up."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.voice_server import keys
from services.voice_server.call_runner import MAX_REATTACHED
from tests.voice_server.fake_openai import FakeOpenAI, fake_openai
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start

FROM_OWNER = ("From", f"<sip:{OWNER}@pstn.twilio.com>")


@pytest.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as fake:
        yield fake


@pytest.fixture
async def server(start: Start, openai: FakeOpenAI) -> RunningServer:
    """Give a voice server that takes this OpenAI for the real one."""
    return await start(OPENAI_BASE_URL=openai.url)


async def ending(bridge: RecordingBridge) -> tuple[Any, Any]:
    """Wait for the end of the call; its status and its reason."""
    data = (await bridge.until("call_ended", "rtc_1"))["data"]
    return data["status"], data["endReason"]


async def hung_up(openai: FakeOpenAI) -> None:
    """Wait until the call was taken and is over."""
    await openai.watch.until(lambda: "hangup" in openai.posted and not openai.live)


async def test_a_call_ended_while_it_is_being_accepted_is_hung_up_after_that(
    server: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI
) -> None:
    openai.slow_accept = True
    assert await server.offer("rtc_1", FROM_OWNER) == 200
    await openai.watch.until(lambda: openai.posted == ["accept"])
    assert (await server.ask("DELETE", "/call/rtc_1"))[0] == 200
    assert await ending(bridge) == ("canceled", "hung_up_by_request")
    assert (openai.posted, openai.live) == (["accept", "hangup"], False)


async def test_a_call_given_up_while_it_is_being_accepted_is_hung_up_after_that(
    server: RunningServer, openai: FakeOpenAI, tmp_path: Path
) -> None:
    openai.slow_accept = True
    assert await server.offer("rtc_1", FROM_OWNER) == 200
    await openai.watch.until(lambda: openai.posted == ["accept"])
    with sqlite3.connect(tmp_path / "data" / "voice.sqlite") as other:
        other.execute("CREATE TRIGGER full BEFORE UPDATE ON calls BEGIN SELECT RAISE(ABORT, 'full'); END")
    other.close()
    await server.ask("DELETE", "/call/rtc_1")
    await hung_up(openai)
    assert openai.posted[:2] == ["accept", "hangup"]


async def test_a_call_whose_acceptance_was_answered_unclearly_is_joined_all_the_same(
    server: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI
) -> None:
    openai.lost_accept = True
    assert await server.offer("rtc_1", FROM_OWNER) == 200
    await openai.watch.until(lambda: openai.attached == 1)
    await server.ask("DELETE", "/call/rtc_1")
    assert await ending(bridge) == ("completed", "hung_up_by_request")
    assert (openai.posted, openai.live) == (["accept", "accept", "hangup"], False)


async def test_a_call_that_was_accepted_and_cannot_be_joined_is_hung_up(
    server: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI
) -> None:
    openai.sideband = "missing"
    server.app[keys.SWITCHBOARD]._peers.realtime._attach_seconds = 0.2
    assert await server.offer("rtc_1", FROM_OWNER) == 200
    assert await ending(bridge) == ("failed", "connection_failed")
    assert openai.attached > 1
    assert (openai.posted, openai.live) == (["accept", "hangup"], False)


async def test_a_sideband_that_breaks_again_and_again_is_given_up_with_its_call(
    server: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI
) -> None:
    openai.sideband = "breaks"
    assert await server.offer("rtc_1", FROM_OWNER) == 200
    assert await ending(bridge) == ("completed", "connection_failed")
    assert openai.attached == 1 + MAX_REATTACHED
    assert (openai.posted, openai.live) == (["accept", "hangup"], False)


async def test_a_leg_that_will_not_be_hung_up_is_hung_up_again_after_the_call_has_ended(
    server: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI
) -> None:
    openai.sideband = "missing"
    server.app[keys.SWITCHBOARD]._peers.realtime._attach_seconds = 0.2
    openai.hang_up_faults = [500] * 100
    assert await server.offer("rtc_1", FROM_OWNER) == 200
    assert await ending(bridge) == ("failed", "connection_failed")
    assert openai.live
    openai.hang_up_faults.clear()
    await hung_up(openai)
