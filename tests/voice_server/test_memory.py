"""What the voice knows of the chat: told at accept, and never waited for."""

import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from sandbox.app import Sandbox
from services.voice_server.agent_line import BACKGROUND_SECONDS
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, RunningServer

SECRET = "The key is under the mat."
WROTE: dict[str, Any] = {"role": "user", "text": SECRET, "timestamp": "2026-11-24T14:03:00.000Z"}
QUOTED = f'2026-11-24 14:03 UTC, user: "{SECRET}"'


async def instructions(sandbox: Sandbox) -> str:
    """Wait until a call was accepted; what the model was told."""

    def accepted() -> list[Any]:
        calls = [call.realtime for call in sandbox.exchange.calls() if call.realtime]
        return [call.session for call in calls if call.session]

    await sandbox.world.watch.until(lambda: bool(accepted()), within=8)
    return str(accepted()[-1]["instructions"])


@pytest.mark.parametrize("person", [OWNER, GUEST])
async def test_a_person_who_is_called_is_known_from_the_chat(
    person: str, server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    bridge.remembered = [WROTE]
    await server.dial(person, message="Hello!")
    assert (await instructions(sandbox)).endswith(QUOTED), "last, so that what is stable can be cached"
    assert bridge.asked_for == ["agent:main:main"]


async def test_who_calls_is_known_before_the_call_is_taken(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    bridge.remembered = [WROTE]
    sandbox.phone_in(OWNER)
    assert (await instructions(sandbox)).endswith(QUOTED)


async def test_a_memory_that_comes_late_is_not_waited_for(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    bridge.remembered = [WROTE]
    bridge.remembering.clear()
    with capture_logs() as logged:
        sandbox.phone_in(OWNER)
        await bridge.watch.until(lambda: bool(bridge.asked_for))
        asked_at = time.monotonic()
        told = await instructions(sandbox)
        waited = time.monotonic() - asked_at
    bridge.remembering.set()
    assert QUOTED not in told
    assert waited < BACKGROUND_SECONDS + 0.3
    assert [line["event"] for line in logged if "memory" in line["event"]] == ["memory_too_late"]
    assert SECRET not in str(logged)


async def test_a_bridge_that_does_not_answer_costs_no_call(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    bridge.session_key = None
    sandbox.phone_in(OWNER)
    assert "Background" not in await instructions(sandbox)
    await bridge.until("transcript_update")


async def test_a_bridge_that_is_known_to_fail_is_not_even_waited_for(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    bridge.faults = [503] * 1000
    sandbox.phone_in(OWNER, "endless")
    await bridge.watch.until(lambda: bool(bridge.posted))
    await instructions(sandbox)
    with capture_logs() as logged:
        second = sandbox.phone_in(GUEST, "endless").id

        def taken() -> bool:
            call = sandbox.call(second).realtime
            return call is not None and call.session is not None

        await sandbox.world.watch.until(taken, within=8)
    assert "memory_too_late" not in [line["event"] for line in logged]
