"""`DELETE /call/{id}` in every state a call can be in."""

import asyncio

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause
from shared.events import CallStatus
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, problem

ENDLESS = "+14155550106"
NO_ANSWER = "+14155550105"


async def hang_up(server: RunningServer, call_id: str) -> str:
    status, answer = await server.ask("DELETE", f"/call/{call_id}")
    assert (status, answer["call_id"]) == (200, call_id)
    return str(answer["status"])


async def test_a_queued_call_is_canceled(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 2
    call_id = await server.dial(NO_ANSWER)
    assert await hang_up(server, call_id) == "canceled"
    ended = await bridge.until("call_ended", call_id)
    assert (ended["data"]["status"], ended["data"]["endReason"]) == ("canceled", "hung_up_by_request")


async def test_a_ringing_call_is_canceled(server: RunningServer, sandbox: Sandbox) -> None:
    sandbox.world.clock.speed = 20
    call_id = await server.dial(NO_ANSWER)
    leg = sandbox.twilio.legs[call_id]
    await sandbox.world.watch.until(lambda: leg.status is CallStatus.RINGING)
    assert await hang_up(server, call_id) == "canceled"
    assert leg.status is CallStatus.CANCELED


async def test_a_call_under_way_is_completed_on_both_sides(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial(ENDLESS)
    await bridge.until("transcript_update", call_id)
    assert await hang_up(server, call_id) == "completed"
    call = sandbox.call(call_id)
    assert call.leg
    assert call.realtime
    assert call.leg.status is CallStatus.COMPLETED
    assert call.realtime.over.is_set()


async def test_a_call_through_the_trunk_is_completed_at_openai(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "endless").id
    await bridge.until("call_answered", call_id)
    assert await hang_up(server, call_id) == "completed"
    call = sandbox.call(call_id)
    assert call.realtime
    assert call.realtime.cause is EndCause.HUNG_UP_BY_API
    assert sandbox.twilio.received == []


async def test_hanging_up_again_changes_nothing(server: RunningServer, bridge: RecordingBridge) -> None:
    call_id = await server.dial(ENDLESS)
    await bridge.until("transcript_update", call_id)
    assert await asyncio.gather(*(hang_up(server, call_id) for _ in range(5))) == ["completed"] * 5
    await bridge.until("call_ended", call_id)
    assert await hang_up(server, call_id) == "completed"
    assert bridge.types(call_id).count("call_ended") == 1


async def test_a_call_is_hung_up_by_openais_id_of_it_too(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial(ENDLESS)
    await bridge.until("transcript_update", call_id)
    realtime = sandbox.call(call_id).realtime
    assert realtime
    status, answer = await server.ask("DELETE", f"/call/{realtime.call_id}")
    assert (status, answer) == (200, {"status": "completed", "call_id": call_id})


async def test_there_is_nothing_to_hang_up_where_there_is_no_call(server: RunningServer) -> None:
    for name in ("CA" + "0" * 32, "rtc_none", "%00", "%ff", "token:", "%ed%a0%80"):
        async with server.raw("DELETE", f"/call/{name}") as response:
            assert (await problem(response))[0] == 404
