"""A server that was killed comes back on its store: what lives goes on, what is dead is finished."""

import time

from sandbox.app import Sandbox
from sandbox.openai.call import RealtimeCall
from services.voice_server import keys
from tests.voice_server.fake_openai import fake_openai
from tests.voice_server.raw_gateway import raw_gateway
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, Start


def realtime(sandbox: Sandbox, call_id: str) -> RealtimeCall:
    """Give OpenAI's part of a call."""
    call = sandbox.call(call_id).realtime
    assert call is not None
    return call


async def test_a_restart_takes_the_call_up_where_it_was(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    first = await start()
    call_id = await first.dial("+14155550106")
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= 3)
    call = realtime(sandbox, call_id)
    old = call.sidebands[0]
    await first.crash()
    second = await start()
    await sandbox.world.watch.until(lambda: any(one is not old for one in call.sidebands))
    told = len(bridge.turns(call_id))
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= told + 2)
    assert await second.ask("DELETE", f"/call/{call_id}") == (
        200,
        {"status": "completed", "call_id": call_id},
    )
    await bridge.until("call_ended", call_id)
    events = bridge.of(call_id)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert bridge.types(call_id).count("call_ended") == 1
    assert events[-1]["data"]["endReason"] == "hung_up_by_request"
    greetings = [event for event in call.client_events if event["type"] == "response.create"]
    assert len(greetings) == 1
    items = [event["data"]["itemId"] for event in events if event["eventType"] == "transcript_update"]
    assert len(items) == len(set(items))


async def test_a_question_under_way_is_answered_with_its_loss(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    async with raw_gateway() as gateway:
        first = await start(OPENCLAW_GATEWAY_URL=gateway.url)
        call_id = await first.dial(OWNER)
        await gateway.question()
        await first.crash()
        await start(OPENCLAW_GATEWAY_URL=gateway.url)
        finished = await bridge.until("tool_finished", call_id)
        assert (finished["data"]["ok"], finished["data"]["name"]) == (False, "ask_openclaw")
        assert (await bridge.until("call_ended", call_id))["data"]["endReason"] == "assistant_hung_up"
    call = realtime(sandbox, call_id)
    outputs = [event for event in call.client_events if event["type"] == "conversation.item.create"]
    assert len(outputs) == 1
    assert ("user", "When do I have to leave for lunch?", False) in bridge.turns(call_id)
    assert bridge.types(call_id).count("tool_started") == bridge.types(call_id).count("tool_finished")


async def test_a_call_that_ended_meanwhile_ended_when_twilio_says(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    first = await start()
    call_id = await first.dial("+14155550106")
    await bridge.until("transcript_update", call_id)
    await first.crash()
    sandbox.exchange.hang_up(call_id)
    over_at = time.time()
    second = await start()
    ended = await bridge.until("call_ended", call_id)
    assert (ended["data"]["status"], ended["data"]["endReason"]) == ("completed", "caller_hung_up")
    record = await second.store.call(call_id)
    assert record
    assert record.is_settled
    assert record.ended_at is not None
    assert record.ended_at <= over_at + 0.1
    assert second.app[keys.SWITCHBOARD].active == []


async def test_an_offer_taken_and_not_yet_accepted_is_accepted_after_the_restart(
    start: Start, bridge: RecordingBridge
) -> None:
    async with fake_openai() as openai:
        openai.slow_accept = True
        first = await start(OPENAI_BASE_URL=openai.url)
        await first.offer("rtc_1", ("From", f"<sip:{OWNER}@pstn.twilio.com>"))
        await openai.watch.until(lambda: openai.posted == ["accept"])
        await first.crash()
        second = await start(OPENAI_BASE_URL=openai.url)
        await openai.watch.until(lambda: openai.attached > 0)
        assert await second.offer("rtc_1", ("From", f"<sip:{OWNER}@pstn.twilio.com>"), delivery="wh_2") == 200
        await second.ask("DELETE", "/call/rtc_1")
        await bridge.until("call_ended", "rtc_1")
        assert openai.posted.count("hangup") == 1
        assert not openai.live


async def test_a_leg_that_could_not_be_hung_up_is_hung_up_after_the_restart(
    start: Start, bridge: RecordingBridge
) -> None:
    async with fake_openai() as openai:
        openai.hang_up_faults = [500] * 100
        first = await start(OPENAI_BASE_URL=openai.url)
        await first.offer("rtc_1", ("From", f"<sip:{OWNER}@pstn.twilio.com>"))
        await bridge.until("call_answered", "rtc_1")
        await first.ask("DELETE", "/call/rtc_1")
        await first.crash()
        assert openai.live
        openai.hang_up_faults.clear()
        await start(OPENAI_BASE_URL=openai.url)
        await openai.watch.until(lambda: not openai.live)
    assert bridge.types("rtc_1").count("call_ended") == 1
