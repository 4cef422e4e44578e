"""Callers who press keys, or say nothing while the model goes on by itself."""

from sandbox.app import Sandbox
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start

HELLO = ("assistant", "Hi, this is Ada.", False)
IDLE = {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000}}}}


async def test_keys_that_are_pressed_disturb_nothing(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "keys").id
    ended = await bridge.until("call_ended", call_id)
    assert (ended["data"]["status"], ended["data"]["endReason"]) == ("completed", "caller_hung_up")
    assert bridge.turns(call_id) == [
        HELLO,
        ("user", "I have typed in my number.", False),
        ("assistant", "Thank you.", False),
    ]


async def test_what_nobody_said_is_no_turn(start: Start, bridge: RecordingBridge, sandbox: Sandbox) -> None:
    server = await start({"realtime": IDLE})
    call_id = sandbox.phone_in(OWNER, "silent").id
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= 3)
    await server.ask("DELETE", f"/call/{call_id}")
    await bridge.until("call_ended", call_id)
    first, *others = bridge.turns(call_id)
    assert first == HELLO
    assert {words for _, words, _ in others[:-1]} == {"Are you still there?"}
    assert {speaker for speaker, _, _ in others} == {"assistant"}
    assert "user speech" not in str(bridge.of(call_id))
