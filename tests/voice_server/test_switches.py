"""What nobody knows of the peers makes no difference: calls in and out under each value of each switch."""

from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from sandbox.app import Sandbox
from sandbox.switches import Switches
from shared.events import Usage
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer

OTHER_VALUES: dict[str, list[Any]] = {
    "pending_seconds": [3.0],
    "mid_call": [20],
    "greeting_seconds": [1.0],
    "webhook_retries": [0],
    "webhook_seconds": [0.5],
    "webhook_backoff": [1.0],
    "callback_order": [("answered", "completed", "initiated", "ringing")],
    "late_answer_seconds": [1.0],
    "gateway_talk_seconds": [0.0],
    "gateway_rows": [0],
    "gateway_history_seconds": [1.0],
    "agent_seconds": [1.0],
}
"""Values to be tried of the switches that have no list of them; besides the one in force."""

TALK = [
    ("assistant", "Hi, this is Ada."),
    ("user", "What's on my calendar today?"),
    ("assistant", "One moment, I'll look."),
    ("assistant", "You have two appointments today: the dentist at 10 and lunch with Sam at 1."),
    ("user", "When do I have to leave for lunch?"),
    ("assistant", "Leave at half past twelve."),
    ("user", "Great, thank you. Goodbye!"),
    ("assistant", "Goodbye!"),
]


def values_of(name: str) -> list[Any]:
    """List the values of a switch that are to be tried."""
    kind = get_type_hints(Switches)[name]
    if kind is bool:
        return [False, True]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [getattr(Switches(), name), *OTHER_VALUES[name]]


EVERY_VALUE = [
    (field.name, value)
    for field in fields(Switches)
    if field.name != "agent_trouble"  # with which another answer comes
    for value in values_of(field.name)
]


def check_books(bridge: RecordingBridge, sandbox: Sandbox, call_id: str) -> None:
    """Check that a call was told without a gap, each turn once and in order, and that it ended once."""
    events = bridge.of(call_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["eventType"] for event in events if event["eventType"] == "call_ended"] == ["call_ended"]
    turns = [event["data"] for event in events if event["eventType"] == "transcript_update"]
    assert [(turn["speaker"], turn["content"]) for turn in turns] == TALK
    assert [turn["previousItemId"] for turn in turns[1:]] == [turn["itemId"] for turn in turns[:-1]]
    realtime = sandbox.call(call_id).realtime
    assert realtime
    ended = events[-1]["data"]
    assert (ended["status"], ended["endReason"]) == ("completed", "assistant_hung_up")
    assert Usage(**ended["usage"]) == sandbox.openai.ledger(realtime.call_id).told


@pytest.mark.parametrize(("switch", "value"), EVERY_VALUE)
async def test_a_call_is_the_same_whatever_nobody_knows_of_the_peers(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, switch: str, value: Any
) -> None:
    setattr(sandbox.switches, switch, value)
    inbound, outbound = sandbox.phone_in(OWNER, "talk").id, await server.dial(OWNER)
    for call_id in (inbound, outbound):
        await bridge.until("call_ended", call_id)
        check_books(bridge, sandbox, call_id)
