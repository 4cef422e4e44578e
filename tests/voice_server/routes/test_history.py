"""`/history`: pages, filters, one call, and what was said."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sandbox.app import Sandbox
from tests.voice_server.raw_gateway import raw_gateway
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import (
    GUEST,
    OWN_NUMBER,
    OWNER,
    STRANGER,
    RunningServer,
    Start,
    problem,
)
from tests.voice_server.serving import until


async def three_calls(server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox) -> list[str]:
    """Let three calls happen, one after the other; their ids, newest first."""
    greeted = await server.dial("+14155550101")
    await bridge.until("call_ended", greeted)
    stranger = sandbox.phone_in(STRANGER, "greeting").id
    await sandbox.call_over(stranger)
    guest = sandbox.phone_in(GUEST, "greeting").id
    await bridge.until("call_ended", guest)
    return [guest, stranger, greeted]


async def test_history_is_newest_first_page_by_page(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    ids = await three_calls(server, bridge, sandbox)
    seen, cursor = [], ""
    for _ in range(3):
        _, page = await server.ask("GET", f"/history?limit=1{cursor}")
        seen += [call["call_id"] for call in page["calls"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ids
    assert page["next_cursor"] is None
    _, rest = await server.ask("GET", "/history?limit=3")
    assert [call["call_id"] for call in rest["calls"]] == ids
    assert rest["next_cursor"] is None


FILTERS = {
    "": [0, 1, 2],
    "direction=outbound": [2],
    "direction=inbound": [0, 1],
    "status=rejected": [1],
    "status=completed&direction=inbound": [0],
    f"number=%2B{GUEST[1:]}": [0],
    f"number={GUEST}": [0],  # the plus, not escaped, stands for a space
    "number=%2B1%20415%20555%200199": [0],
    "number=anonymous": [],
    "status=busy": [],
}


async def test_history_is_filtered(server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox) -> None:
    ids = await three_calls(server, bridge, sandbox)
    for query, places in FILTERS.items():
        found = [call["call_id"] for call in await server.history(f"?{query}")]
        assert found == [ids[place] for place in places], query


async def test_a_call_is_found_by_what_is_said_in_it_while_it_runs_and_afterwards(
    server: RunningServer, bridge: RecordingBridge
) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= 3)
    said = max((words for _, words, _ in bridge.turns(call_id)), key=len)
    query = "?" + urlencode({"text": said.upper()[1:200], "direction": "outbound"})
    assert [call["call_id"] for call in await server.history(query)] == [call_id]
    assert await server.history("?text=100%25+nonsense") == []
    await server.ask("DELETE", f"/call/{call_id}")
    await bridge.until("call_ended", call_id)
    assert [call["call_id"] for call in await server.history(query)] == [call_id]


async def test_a_query_that_is_not_as_documented_is_refused(server: RunningServer) -> None:
    for query in (
        "limit=0",
        "limit=101",
        "limit=all",
        "limit=%ff",
        "cursor=0",
        "cursor=-1",
        "cursor=next",
        "cursor=99999999999999999999",
        "direction=up",
        "status=ringing%00",
        "number=alice",
        "number=",
        "text=",
        f"text={'a' * 201}",
        "page=2",
    ):
        async with server.raw("GET", f"/history?{query}") as response:
            status, detail = await problem(response)
        assert status == 422, query
        assert detail.startswith(query.partition("=")[0])


async def test_a_call_is_shown_by_each_of_its_ids(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550101", metadata={"a": 1})
    ended = await bridge.until("call_ended", call_id)
    realtime = sandbox.call(call_id).realtime
    assert realtime
    for name in (call_id, realtime.call_id):

        async def delivered(name: str = name) -> bool:
            _, call = await server.ask("GET", f"/history/{name}")
            return bool(call["transcript_state"] == "delivered")

        await until(delivered)
        _, call = await server.ask("GET", f"/history/{name}")
        times = [call.pop(moment) for moment in ("started_at", "answered_at", "ended_at")]
        assert times == sorted(times)
        assert call == {
            "call_id": call_id,
            "direction": "outbound",
            "status": "completed",
            "from": OWN_NUMBER,
            "to": "+14155550101",
            "duration_seconds": ended["data"]["durationSeconds"],
            "agent": "Ada",
            "end_reason": "caller_hung_up",
            "usage": ended["data"]["usage"],
            "usage_complete": True,
            "cost_usd": ended["data"]["costUsd"],
            "session_key": "agent:main:main",
            "recording": None,
            "transcript_state": "delivered",
            "metadata": {"a": 1},
            "tool_calls": [],
        }


async def test_while_a_call_runs_its_end_is_open(server: RunningServer, bridge: RecordingBridge) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.until("call_answered", call_id)
    _, call = await server.ask("GET", f"/history/{call_id}")
    assert (call["status"], call["transcript_state"]) == ("in-progress", "recording")
    assert (call["ended_at"], call["end_reason"]) == (None, None)


async def test_a_call_the_bridge_has_not_all_of_is_pending(
    server: RunningServer, bridge: RecordingBridge
) -> None:
    bridge.faults = [503]
    call_id = await server.dial("+14155550104")

    async def pending() -> bool:
        _, call = await server.ask("GET", f"/history/{call_id}")
        return bool(call["transcript_state"] == "pending")

    await until(pending)
    assert [call["status"] for call in await server.history()] == ["busy"]


async def test_a_transcript_can_be_read_while_it_is_spoken_and_afterwards(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.watch.until(lambda: len(bridge.turns(call_id)) >= 3)
    _, during = await server.ask("GET", f"/history/{call_id}/transcript")
    assert during["call_id"] == call_id
    assert len(during["transcript"]) >= 3
    await server.ask("DELETE", f"/call/{call_id}")
    await bridge.until("call_ended", call_id)
    realtime = sandbox.call(call_id).realtime
    assert realtime
    _, after = await server.ask("GET", f"/history/{realtime.call_id}/transcript")
    assert after["call_id"] == call_id
    assert after["transcript"][: len(during["transcript"])] == during["transcript"]
    assert after["transcript"] == [as_documented(event) for event in bridge.of(call_id) if is_turn(event)]


def is_turn(event: dict[str, Any]) -> bool:
    return bool(event["eventType"] == "transcript_update")


def as_documented(event: dict[str, Any]) -> dict[str, Any]:
    data = event["data"]
    return {
        "timestamp": event["timestamp"],
        "speaker": data["speaker"],
        "content": data["content"],
        "item_id": data["itemId"],
        "interrupted": data["interrupted"],
    }


OPEN = {"ok": None, "output": None, "duration_seconds": None}


async def tool_calls(server: RunningServer, call_id: str) -> list[dict[str, Any]]:
    """Ask for the tool calls of a call; without when they began, which must be a time."""
    _, call = await server.ask("GET", f"/history/{call_id}")
    shown: list[dict[str, Any]] = call["tool_calls"]
    assert all(datetime.fromisoformat(one.pop("started_at")) for one in shown)
    return shown


async def test_the_tool_calls_of_a_call_are_shown_with_what_became_of_them(
    server: RunningServer, bridge: RecordingBridge
) -> None:
    call_id = await server.dial(OWNER)
    await bridge.until("call_ended", call_id)
    told = [event["data"] for event in bridge.of(call_id) if event["eventType"].startswith("tool_")]
    asked, answer, hang_up, _ = told
    first, second = await tool_calls(server, call_id)
    assert first == {
        "tool_call_id": asked["toolCallId"],
        "name": "ask_openclaw",
        "arguments": asked["arguments"],
        "ok": True,
        "output": answer["output"],
        "duration_seconds": answer["durationSeconds"],
    }
    assert (second["tool_call_id"], second["name"], second["ok"]) == (hang_up["toolCallId"], "end_call", True)


async def test_a_tool_call_is_open_until_its_answer_comes_even_after_the_call(
    start: Start, bridge: RecordingBridge
) -> None:
    async with raw_gateway() as gateway:
        server = await start(OPENCLAW_GATEWAY_URL=gateway.url)
        call_id = await server.dial(OWNER)
        question = await gateway.question()
        during = await tool_calls(server, call_id)
        await server.ask("DELETE", f"/call/{call_id}")
        await bridge.until("call_ended", call_id)
        (ended,) = await tool_calls(server, call_id)
        assert during == [ended]
        assert ended | OPEN == ended
        question.finish("Late.")
        finished = await bridge.until("tool_finished", call_id)
        seconds = finished["data"]["durationSeconds"]
        came = {"ok": True, "output": "Late.", "duration_seconds": seconds}
        assert await tool_calls(server, call_id) == [ended | came]


async def test_there_is_no_history_of_a_call_that_never_was(server: RunningServer) -> None:
    for name in ("CA" + "0" * 32, "rtc_none", "%00", "%ff", "%ed%a0%80", "a%2Fb"):
        for path in (f"/history/{name}", f"/history/{name}/transcript"):
            async with server.raw("GET", path) as response:
                assert (await problem(response))[0] == 404, path
