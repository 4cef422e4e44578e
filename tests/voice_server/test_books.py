"""The service's books against those of the sandbox, which wrote down whatever it told any sideband."""

import asyncio
from typing import Any

import pytest

from sandbox.app import Sandbox
from shared.events import Usage
from tests.voice_server.price_list import PRICES
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start

TOOL, BARGE_IN, CUT_SHORT = OWNER, "+14155550102", "+14155550103"


def told(sandbox: Sandbox, call_id: str) -> Usage:
    call = sandbox.call(call_id).realtime
    assert call is not None
    return sandbox.openai.ledger(call.call_id).told


async def played(server: RunningServer, bridge: RecordingBridge, *numbers: str) -> dict[str, dict[str, Any]]:
    calls = [await server.dial(number) for number in numbers]
    await asyncio.gather(*(bridge.until("call_ended", call_id) for call_id in calls))
    return {call_id: await server.call_over(call_id) for call_id in calls}


async def test_what_all_calls_used_is_what_openai_told_modality_by_modality(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 80  # a voice that is talked over must not be over before
    calls = await played(server, bridge, TOOL, BARGE_IN, CUT_SHORT, BARGE_IN)
    ours = sum((Usage(**call["usage"]) for call in calls.values()), Usage())
    theirs = sum((told(sandbox, call_id) for call_id in calls), Usage())
    assert ours.model_dump() == pytest.approx(theirs.model_dump())
    assert min(ours.model_dump().values()) > 0  # of every modality there was something
    for call in calls.values():
        usage = Usage(**call["usage"])
        assert call["cost_usd"] == PRICES.cost_usd("gpt-realtime-2.1", "gpt-realtime-whisper", usage)


async def test_a_call_during_a_restart_is_billed_for_what_was_told_before_and_after(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 20
    server = await start()
    call_id = await server.dial(TOOL)
    await bridge.until("transcript_update", call_id)
    await server.crash()
    again = await start()
    await bridge.until("call_ended", call_id)
    call = await again.call_over(call_id)
    assert Usage(**call["usage"]).output_audio_tokens > 0
    ours, theirs = call["usage"], told(sandbox, call_id).model_dump()
    # What was on its way to the killed process was told, but not heard.
    assert all(ours[name] <= theirs[name] + 1e-9 for name in theirs)
    assert call["usage_complete"] is False


async def test_of_a_model_without_a_price_the_tokens_are_kept(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start({"transcription_model": "gpt-4o-transcribe-diarize"})
    ((call_id, call),) = (await played(server, bridge, TOOL)).items()
    assert call["cost_usd"] is None
    assert bridge.of(call_id)[-1]["data"]["costUsd"] is None
    assert Usage(**call["usage"]) == told(sandbox, call_id)
