"""Whole calls through the running server, from the first ring to the last event."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause, RealtimeCall
from services.voice_server import keys
from shared.events import Usage
from tests.voice_server.raw_gateway import raw_gateway
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, RunningServer, Start

HELLO = ("assistant", "Hi, this is Ada.", False)
CALENDAR = "You have two appointments today: the dentist at 10 and lunch with Sam at 1."


def realtime(sandbox: Sandbox, call_id: str) -> RealtimeCall:
    call = sandbox.call(call_id).realtime
    assert call is not None
    return call


def check_record(bridge: RecordingBridge, sandbox: Sandbox, call_id: str) -> dict[str, Any]:
    """Check what holds for every call that was talked on; the data of its `call_ended`."""
    events = bridge.of(call_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["eventType"] for event in events][:2] == ["call_started", "call_answered"]
    turns = [event["data"] for event in events if event["eventType"] == "transcript_update"]
    assert [turn["previousItemId"] for turn in turns[1:]] == [turn["itemId"] for turn in turns[:-1]]
    ended: dict[str, Any] = events[-1]["data"]
    assert Usage(**ended["usage"]) == sandbox.openai.ledger(realtime(sandbox, call_id).call_id).told
    assert ended["costUsd"] > 0
    return ended


async def test_a_talk_with_a_question_to_the_agent_and_a_goodbye(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial(OWNER)
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "assistant_hung_up")
    assert bridge.turns(call_id) == [
        HELLO,
        ("user", "What's on my calendar today?", False),
        ("assistant", "One moment, I'll look.", False),
        ("assistant", CALENDAR, False),
        ("user", "When do I have to leave for lunch?", False),
        ("assistant", "Leave at half past twelve.", False),
        ("user", "Great, thank you. Goodbye!", False),
        ("assistant", "Goodbye!", False),
    ]
    tools = [event["data"] for event in bridge.of(call_id) if event["eventType"].startswith("tool_")]
    assert [tool["name"] for tool in tools] == ["ask_openclaw", "ask_openclaw", "end_call", "end_call"]
    assert (tools[1]["ok"], tools[1]["output"]) == (True, CALENDAR)
    (asked,) = sandbox.gateway.asked
    assert (asked.session_key, asked.question) == ("agent:main:main", "What is on the calendar today?")
    assert realtime(sandbox, call_id).cause in {EndCause.HUNG_UP_BY_API, EndCause.LINE_ENDED}
    assert bridge.partials
    started = bridge.of(call_id)[0]
    assert started["data"] == {"from": "+14155550100", "to": OWNER}
    assert (started["phoneNumber"], started["direction"]) == (OWNER, "outbound")


async def test_a_caller_who_hangs_up_after_the_greeting(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550101")
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
    assert bridge.turns(call_id) == [HELLO]


async def test_a_caller_who_talks_over_the_assistant(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 80  # a voice that is talked over must not be over before
    call_id = await server.dial("+14155550102")
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
    turns = bridge.turns(call_id)
    assert [(speaker, interrupted) for speaker, _, interrupted in turns] == [
        ("assistant", False),
        ("user", False),
        ("assistant", True),
        ("user", False),
        ("assistant", True),
        ("user", False),
        ("assistant", False),
    ]
    assert [words for speaker, words, _ in turns if speaker == "user"] == [
        "Tell me about the weather.",
        "And tomorrow?",
        "Stop, that's enough.",
    ]
    # On a telephone OpenAI cuts by itself.
    assert {event["type"] for event in realtime(sandbox, call_id).client_events} == {"response.create"}


async def test_a_caller_who_hangs_up_in_mid_sentence(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 40
    call_id = await server.dial("+14155550103")
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
    *before, (speaker, words, interrupted) = bridge.turns(call_id)
    assert before == [HELLO, ("user", "Read me the news, please.", False)]
    assert (speaker, interrupted) == ("assistant", True)
    assert words.startswith("Here are the news")


@pytest.mark.parametrize(("to", "status"), [("+14155550104", "busy"), ("+14155550105", "no-answer")])
async def test_a_person_who_is_not_reached(
    server: RunningServer, bridge: RecordingBridge, to: str, status: str
) -> None:
    call_id = await server.dial(to)
    ended = await bridge.until("call_ended", call_id)
    assert bridge.types(call_id) == ["call_started", "call_ended"]
    assert (ended["data"]["status"], ended["data"]["endReason"]) == (status, "not_reached")
    assert (ended["data"]["durationSeconds"], ended["data"]["costUsd"]) == (0, 0)
    assert (await server.call_over(call_id))["answered_at"] is None


async def test_a_call_that_nobody_ends_is_ended_by_request(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= 3)
    assert await server.ask("DELETE", f"/call/{call_id}") == (
        200,
        {"status": "completed", "call_id": call_id},
    )
    assert sandbox.call(call_id).is_over
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "hung_up_by_request")


async def test_a_call_without_a_word_is_ended_after_its_silence(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(SILENCE_SECONDS="1")
    call_id = await server.dial("+14155550107")
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "silence")
    assert sandbox.call(call_id).is_over


@pytest.mark.parametrize("close", [1000, 1001, 1005, 1006])
async def test_however_the_sideband_ends_the_call_ends_once(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, close: Any
) -> None:
    sandbox.switches.hang_up_close = close
    call_id = sandbox.phone_in(OWNER, "greeting").id
    await bridge.until("call_ended", call_id)
    ended = check_record(bridge, sandbox, call_id)
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
    assert bridge.types(call_id).count("call_ended") == 1


async def test_what_openai_leaves_open_makes_no_difference(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 40
    sandbox.switches.session_created = True
    sandbox.switches.truncated = "after_done"
    sandbox.switches.rate_limits = "after_created"
    sandbox.switches.trunk_to = "number"
    call_id = sandbox.phone_in(OWNER, "barge-in").id
    await bridge.until("call_ended", call_id)
    check_record(bridge, sandbox, call_id)
    cut = [interrupted for _, _, interrupted in bridge.turns(call_id)]
    assert cut == [False, False, True, False, True, False, False]


async def test_a_sideband_that_breaks_is_attached_again_without_a_second_greeting(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "endless").id
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= 2)
    call = realtime(sandbox, call_id)
    first = call.sidebands[0]
    first.abort()
    await sandbox.world.watch.until(lambda: bool(call.sidebands) and call.sidebands[0] is not first)
    told = len(bridge.turns(call_id))
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= told + 2)
    await server.ask("DELETE", f"/call/{call_id}")
    await bridge.until("call_ended", call_id)
    assert check_record(bridge, sandbox, call_id)["endReason"] == "hung_up_by_request"
    created = [event for event in call.client_events if event["type"] == "response.create"]
    assert len(created) == 1


async def test_a_guest_gets_no_tools_of_the_owners_and_a_session_of_another_kind(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(GUEST, "talk").id
    await bridge.until("call_ended", call_id)
    session = realtime(sandbox, call_id).session
    assert session is not None
    assert [tool["name"] for tool in session["tools"]] == ["end_call"]
    assert sandbox.gateway.asked == []
    assert ("assistant", "I can't do that on this line.", False) in bridge.turns(call_id)


async def test_a_call_with_keys_pressed_goes_on(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "keys").id
    await bridge.until("call_ended", call_id)
    assert check_record(bridge, sandbox, call_id)["endReason"] == "caller_hung_up"
    pressed = [sent for sent in realtime(sandbox, call_id).sent if "dtmf" in sent["type"]]
    assert [(sent["event"], "event_id" in sent) for sent in pressed] == [(key, False) for key in "12#"]
    assert ("user", "I have typed in my number.", False) in bridge.turns(call_id)


async def test_a_question_is_not_put_to_an_unknown_session(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    bridge.session_key = None
    call_id = await server.dial(OWNER)
    await bridge.until("tool_finished", call_id)
    (finished,) = (event for event in bridge.of(call_id) if event["eventType"] == "tool_finished")
    assert finished["data"]["ok"] is False
    assert sandbox.gateway.asked == []
    await bridge.until("call_ended", call_id)  # the call has gone on
    check_record(bridge, sandbox, call_id)


async def test_an_agent_that_fails_does_not_end_the_call(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(OPENCLAW_GATEWAY_TOKEN="wrong")
    call_id = await server.dial(OWNER)
    await bridge.until("call_ended", call_id)
    check_record(bridge, sandbox, call_id)
    assert any(
        "token is wrong" in text for speaker, text, _ in bridge.turns(call_id) if speaker == "assistant"
    )


async def test_a_question_still_open_at_the_end_is_answered_after_it(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    async with raw_gateway() as gateway:
        server = await start(OPENCLAW_GATEWAY_URL=gateway.url)
        call_id = await server.dial(OWNER)
        question = await gateway.question()
        await server.ask("DELETE", f"/call/{call_id}")
        await bridge.until("call_ended", call_id)
        question.finish("Late.")
        await bridge.until("tool_finished", call_id)
        assert bridge.types(call_id)[-2:] == ["call_ended", "tool_finished"]
        assert bridge.of(call_id)[-1]["data"]["output"] == "Late."


async def test_a_stop_waits_for_a_question_that_has_outlived_its_call(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    async with raw_gateway() as gateway, asyncio.timeout(8), asyncio.TaskGroup() as tasks:
        server = await start(OPENCLAW_GATEWAY_URL=gateway.url)
        call_id = await server.dial(OWNER)
        question = await gateway.question()
        await server.ask("DELETE", f"/call/{call_id}")
        await bridge.until("call_ended", call_id)
        stopping = tasks.create_task(server.app[keys.SWITCHBOARD].drain(60))
        question.finish("Late.")
        assert await stopping
        assert (await bridge.until("tool_finished", call_id))["data"]["output"] == "Late."


async def test_a_call_that_cannot_be_saved_is_hung_up(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, tmp_path: Path
) -> None:
    call_id = sandbox.phone_in(OWNER, "endless").id
    await bridge.until("call_answered", call_id)
    with sqlite3.connect(tmp_path / "data" / "voice.sqlite") as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
    other.close()
    call = await sandbox.call_over(call_id)
    assert call.realtime is not None
    assert call.realtime.cause is EndCause.HUNG_UP_BY_API
