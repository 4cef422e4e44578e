"""Whole calls over sidebands that begin late, begin oddly, break or are asked for twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import permutations
from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.openai.call import RealtimeCall
from sandbox.scripts import with_fault
from services.voice_server.domain.instructions import TIME_NEARLY_UP
from tests.voice_server.fake_openai import FakeOpenAI, fake_openai
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, Start

FROM_OWNER = ("From", f"<sip:{OWNER}@pstn.twilio.com>")
GREETING = 'Say exactly: "Hi, this is Ada."'
ENDLESS = "+14155550106"


@pytest.fixture
async def openai() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as fake:
        yield fake


@pytest.fixture
async def joined(start: Start, openai: FakeOpenAI) -> RunningServer:
    """Give a voice server that takes this OpenAI for the real one."""
    return await start(OPENAI_BASE_URL=openai.url)


def greetings(events: list[dict[str, Any]]) -> int:
    """Count how often the first words are asked for."""
    return sum(event.get("response", {}).get("instructions") == GREETING for event in events)


def said(call: RealtimeCall) -> list[str | None]:
    """List what the responses that began at our request were to say; a request refused has begun none."""
    wanted = {
        event["event_id"]: event["response"].get("instructions")
        for event in call.client_events
        if event["type"] == "response.create"
    }
    begun = [sent["response"] for sent in call.sent if sent["type"] == "response.created"]
    return [wanted[response["metadata"]["request_id"]] for response in begun if response["metadata"]]


def event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "event_id": "event_1", **fields})


STARTED: dict[str, Any] = {"id": "resp_1", "status": "in_progress", "output": [], "metadata": None}
FIRST_FRAMES: dict[str, str | bytes | None] = {
    "nothing": None,
    "session.created": event("session.created", session={"type": "realtime", "id": "sess_1"}),
    "session.updated": event("session.updated", session={"type": "realtime", "id": "sess_1"}),
    "response.created": event("response.created", response=STARTED),
    "rate_limits.updated": event("rate_limits.updated", rate_limits=[]),
    "speech": event("input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=0),
    "an item": event(
        "conversation.item.added",
        previous_item_id=None,
        item={"id": "item_1", "type": "message", "role": "user", "content": []},
    ),
    "an error": event("error", error={"type": "server_error", "code": None, "message": "", "event_id": None}),
    "a word nobody knows": event("something.new"),
    "no JSON": "garbage",
    "bytes": b"\x00\xff",
}


@pytest.mark.parametrize("frame", FIRST_FRAMES.values(), ids=FIRST_FRAMES)
async def test_a_call_is_greeted_whatever_the_first_frame_is_or_without_one(
    joined: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI, frame: str | bytes | None
) -> None:
    openai.first_frame = frame
    assert await joined.offer("rtc_1", FROM_OWNER) == 200
    await openai.watch.until(lambda: greetings(openai.heard) == 1)
    await joined.ask("DELETE", "/call/rtc_1")
    assert (await bridge.until("call_ended", "rtc_1"))["data"]["endReason"] == "hung_up_by_request"
    assert greetings(openai.heard) == 1


async def test_a_call_not_found_three_times_is_joined_at_the_fourth_and_greeted_once(
    joined: RunningServer, openai: FakeOpenAI
) -> None:
    openai.missing = 3
    assert await joined.offer("rtc_1", FROM_OWNER) == 200
    await openai.watch.until(lambda: bool(openai.heard))
    await joined.ask("DELETE", "/call/rtc_1")
    assert (openai.attached, greetings(openai.heard)) == (4, 1)
    assert openai.posted == ["accept", "hangup"]


async def test_a_sideband_cut_without_a_word_is_asked_for_once_more_and_then_the_call_is_over(
    joined: RunningServer, bridge: RecordingBridge, openai: FakeOpenAI
) -> None:
    openai.sideband = "cut"
    assert await joined.offer("rtc_1", FROM_OWNER) == 200
    ended = (await bridge.until("call_ended", "rtc_1"))["data"]
    assert (ended["status"], ended["endReason"]) == ("completed", "caller_hung_up")
    assert openai.attached == 2
    assert bridge.types("rtc_1").count("call_ended") == 1


@pytest.mark.parametrize(
    "fault",
    [
        "sideband-drops",
        "sideband-restarted",
        "sideband-failed",
        "sideband-late",
        "webhook-doubled",
        "webhook-doubled-anew",
        "accept-failed-but-taken",
    ],
)
async def test_a_caller_is_greeted_once_and_every_event_of_ours_has_its_own_id_under(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, fault: str
) -> None:
    call = sandbox.phone_in(OWNER, with_fault(fault)).realtime
    assert call
    await bridge.until("call_ended", call.call_id, within=20)
    assert said(call)[0] == GREETING
    assert said(call).count(GREETING) == 1
    ids = [event["event_id"] for event in call.client_events]
    assert len(ids) == len(set(ids))
    assert "truncate" not in str(call.client_events)


async def test_a_greeting_refused_because_the_model_speaks_already_is_heard_once_afterwards(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call = sandbox.phone_in(OWNER, with_fault("model-speaks-first")).realtime
    assert call
    await bridge.until("call_ended", call.call_id)
    said = [words for _, words, _ in bridge.turns(call.call_id)]
    assert said[:2] == ["Hm.", "Hi, this is Ada."]
    assert said.count("Hi, this is Ada.") == 1
    ids = [event["event_id"] for event in call.client_events]
    assert len(ids) == len(set(ids))


async def test_a_call_is_hung_up_at_openai_once(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "endless").id
    await bridge.until("call_answered", call_id)
    await asyncio.gather(*(server.ask("DELETE", f"/call/{call_id}") for _ in range(5)))
    await bridge.until("call_ended", call_id)
    await server.ask("DELETE", f"/call/{call_id}")
    await server.call_over(call_id)
    assert sum(request.path.endswith("/hangup") for request in sandbox.openai.received) == 1


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("close", [1000, 1001, 1005, 1006])
async def test_a_call_ended_by_everybody_at_once_ends_once(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, order: tuple[int, ...], close: Any
) -> None:
    sandbox.switches.hang_up_close = close
    call_id = await server.dial(ENDLESS)
    await bridge.until("transcript_update", call_id)
    realtime = sandbox.call(call_id).realtime
    assert realtime

    async def caller_hangs_up() -> None:
        sandbox.exchange.hang_up(call_id)

    endings = [
        caller_hangs_up(),
        server.ask("DELETE", f"/call/{call_id}"),
        server.status_callback("/webhook", CallSid=call_id, CallStatus="completed"),
    ]
    await asyncio.gather(*(endings[place] for place in order))
    await bridge.until("call_ended", call_id)
    call = await server.call_over(call_id)
    assert bridge.types(call_id).count("call_ended") == 1
    assert call["status"] == "completed"
    assert call["end_reason"] in {"hung_up_by_request", "caller_hung_up"}
    assert realtime.over.is_set()


async def test_the_caller_is_told_that_the_time_is_nearly_up_before_we_hang_up(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 40  # so that there is a moment in which nobody speaks
    await start({"max_call_seconds": 2}, RECONCILE_SECONDS="60")
    call_id = sandbox.phone_in(OWNER, "endless").id
    ended = (await bridge.until("call_ended", call_id))["data"]
    assert (ended["status"], ended["endReason"]) == ("completed", "max_duration")
    realtime = sandbox.call(call_id).realtime
    assert realtime
    assert said(realtime) == [GREETING, TIME_NEARLY_UP]
