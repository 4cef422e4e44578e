"""What OpenAI leaves open, each way: the call is the same, or ends cleanly."""

from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.scripts import with_fault
from services.voice_server import keys
from shared.events import Usage
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start

Json = dict[str, Any]


def ring(sandbox: Sandbox, script: str = "greeting", fault: str | None = None) -> RealtimeCall:
    """Let the owner phone in."""
    call = sandbox.phone_in(OWNER, with_fault(fault, script) if fault else script).realtime
    assert call
    return call


async def ending(bridge: RecordingBridge, call: RealtimeCall) -> Json:
    """Wait for the end of a call; what was told of it."""
    ended: Json = (await bridge.until("call_ended", call.call_id, within=20))["data"]
    assert bridge.types(call.call_id).count("call_ended") == 1
    return ended


@pytest.mark.parametrize("answer", ["not_found", "conflict", "ok"])
async def test_whatever_a_second_accept_is_answered_the_call_goes_on(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, answer: Any
) -> None:
    sandbox.switches.second_accept = answer
    call = ring(sandbox, fault="accept-failed-but-taken")
    ended = await ending(bridge, call)
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
    assert server.app[keys.SWITCHBOARD].active == []


async def test_a_call_with_a_model_that_has_no_price_costs_nobody_knows_what(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.switches.new_models = True
    await start({"model": "gpt-realtime-9"})
    call = ring(sandbox)
    ended = await ending(bridge, call)
    assert ended["costUsd"] is None
    assert Usage(**ended["usage"]) == call.ledger.told != Usage()


@pytest.mark.parametrize(
    ("switch", "value", "character"),
    [
        ("bad_session", "refused", {"realtime": {"temperature": 0.8}}),
        ("bad_session", "dead", {"realtime": {"temperature": 0.8}}),
        ("gpt_transcribe", False, {"transcription_model": "gpt-transcribe"}),
        ("new_models", False, {"model": "gpt-realtime-9"}),
        ("pending_seconds", 0.0, {}),
    ],
)
async def test_a_call_that_openai_does_not_let_live_fails_and_leaves_nobody_waiting(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox, switch: str, value: Any, character: Json
) -> None:
    setattr(sandbox.switches, switch, value)
    server = await start(character)
    server.app[keys.PEERS].realtime._attach_seconds = 1
    call = ring(sandbox)
    ended = await ending(bridge, call)
    assert (ended["status"], ended["endReason"]) == ("failed", "connection_failed")
    assert (await sandbox.call_over(call.call_id)).is_over
    assert server.app[keys.SWITCHBOARD].active == []
    assert call.cause is not EndCause.CALLER_HUNG_UP


async def test_a_call_may_be_transcribed_by_gpt_transcribe(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    await start({"transcription_model": "gpt-transcribe"})
    call = ring(sandbox, "keys")
    await ending(bridge, call)
    assert ("user", "I have typed in my number.", False) in bridge.turns(call.call_id)


async def test_a_server_that_comes_back_late_takes_a_call_that_still_rings(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.switches.webhook_backoff = 3
    call = ring(sandbox)  # nobody serves the port yet: the first delivery waits, or fails
    await start()
    ended = await ending(bridge, call)
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
