"""`POST /call` and `GET /calls` as their users see them."""

from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from sandbox.app import Sandbox
from services.voice_server import keys
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWN_NUMBER, OWNER, RunningServer, Start, problem
from tests.voice_server.serving import Answer, scripted, until

ENDLESS = "+14155550106"
NO_ANSWER = "+14155550105"


async def test_a_call_is_answered_with_its_id_and_its_place_in_history(
    server: RunningServer, sandbox: Sandbox
) -> None:
    body = {"to": "+1 (415) 555-0123", "message": "Good news!", "metadata": {"order": 7}}
    async with server.raw("POST", "/call", orjson.dumps(body)) as response:
        assert response.status == 202
        answer = await response.json()
        assert response.headers["Location"] == f"/history/{answer['call_id']}"
    assert answer == {
        "status": "initiated",
        "call_id": answer["call_id"],
        "message": f"Call initiated to {OWNER}",
    }
    leg = sandbox.twilio.legs[answer["call_id"]]
    assert (leg.to, leg.from_, leg.time_limit) == (OWNER, OWN_NUMBER, 1800)
    _, call = await server.ask("GET", f"/history/{answer['call_id']}")
    assert call["metadata"] == {"order": 7}


async def test_the_message_is_the_first_thing_said(server: RunningServer, bridge: RecordingBridge) -> None:
    call_id = await server.dial("+14155550101", message='Say "hi" & <bye>')
    await bridge.until("call_ended", call_id)
    assert bridge.turns(call_id)[0][1].replace("\\", "") == 'Say "hi" & <bye>'


INVALID: dict[str, bytes] = {
    "no body": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"to": "\xff"}',
    "no object": b"[]",
    "no number": b"{}",
    "not a number": b'{"to": "alice"}',
    "too short": b'{"to": "+1"}',
    "national": b'{"to": "(415) 555-0123"}',
    "an extension": b'{"to": "+14155550123;ext=9"}',
    "emergency": b'{"to": "911"}',
    "a SIP address": b'{"to": "sip:alice@example.com"}',
    "not text": b'{"to": 14155550123}',
    "null": b'{"to": null}',
    "a field too many": b'{"to": "+14155550123", "record": true}',
    "an empty message": b'{"to": "+14155550123", "message": ""}',
    "a long message": orjson.dumps({"to": OWNER, "message": "x" * 2001}),
    "a bad caller": b'{"to": "+14155550123", "caller_id": "me"}',
    "metadata in a list": b'{"to": "+14155550123", "metadata": []}',
    "half a character": b'{"to": "+14155550123", "message": "\\ud800"}',
    "a number of more than 64 bits": b'{"to": "+14155550123", "metadata": {"n": 18446744073709551616}}',
    "a negative one": b'{"to": "+14155550123", "metadata": {"n": -9223372036854775809}}',
    "no number at all": b'{"to": "+14155550123", "metadata": {"n": [NaN]}}',
    "more than all numbers": b'{"to": "+14155550123", "metadata": {"n": -Infinity}}',
    "as good as infinite": b'{"to": "+14155550123", "metadata": {"n": 1e999}}',
    "metadata without bottom": b'{"to": "+14155550123", "metadata": {"a": %b}}' % (b"[" * 300 + b"]" * 300),
    "much metadata": orjson.dumps({"to": OWNER, "metadata": {str(n): n for n in range(51)}}),
}


async def test_what_is_not_as_documented_is_refused_and_nobody_is_called(
    server: RunningServer, sandbox: Sandbox
) -> None:
    for name, body in INVALID.items():
        async with server.raw("POST", "/call", body) as response:
            status, detail = await problem(response)
        assert (status, bool(detail)) == (422, True), name
    assert sandbox.twilio.received == []


async def test_metadata_as_odd_as_json_allows_comes_back_as_it_was(server: RunningServer) -> None:
    metadata = {"\0": "\0", "most": 2**64 - 1, "least": -(2**63), "": None, "deep": [[[[[{}]]]]]}
    call_id = await server.dial(NO_ANSWER, metadata=metadata)
    assert (await server.ask("GET", f"/history/{call_id}"))[1]["metadata"] == metadata
    await server.ask("DELETE", f"/call/{call_id}")
    assert [call["call_id"] for call in await server.history()] == [call_id]
    assert (await server.ask("GET", f"/history/{call_id}"))[1]["metadata"] == metadata


async def test_a_body_that_is_too_large_is_refused(server: RunningServer) -> None:
    async with server.raw("POST", "/call", b" " * (256 * 1024 + 1)) as response:
        assert (await problem(response))[0] == 413


@pytest.mark.parametrize("key", [None, "", "wrong", "the-voice-kez"])
async def test_nothing_is_told_or_done_without_the_key(
    server: RunningServer, sandbox: Sandbox, key: str | None
) -> None:
    for method, path in (
        ("POST", "/call"),
        ("DELETE", "/call/CA1"),
        ("GET", "/calls"),
        ("GET", "/history"),
        ("GET", "/history/CA1"),
        ("GET", "/history/CA1/transcript"),
        ("GET", "/nowhere"),
    ):
        async with server.raw(method, path, b'{"to": "+14155550123"}', key=key) as response:
            assert (await problem(response))[0] == 401, path
    assert sandbox.twilio.received == []


RULES = {
    OWN_NUMBER: "TWILIO_PHONE_NUMBER",
    "+4930901820": "OUTBOUND_REGIONS",
    "+18765550123": "OUTBOUND_REGIONS",  # Jamaica shares +1
    "+881612345678": "OUTBOUND_REGIONS",  # satellite
    "+19002345678": "landline and mobile",  # premium
}


async def test_a_number_outside_the_rules_is_refused_by_name_of_the_rule(
    server: RunningServer, sandbox: Sandbox
) -> None:
    for to, rule in RULES.items():
        async with server.raw("POST", "/call", orjson.dumps({"to": to})) as response:
            status, detail = await problem(response)
        assert (status, rule in detail) == (403, True), to
    assert sandbox.twilio.received == []


@pytest.mark.parametrize("setting", ["MAX_CONCURRENT_CALLS", "MAX_CALLS_PER_HOUR"])
async def test_too_many_calls_are_refused_until_later(start: Start, sandbox: Sandbox, setting: str) -> None:
    server = await start(**{setting: "1"})
    await server.dial(NO_ANSWER)
    async with server.raw("POST", "/call", orjson.dumps({"to": OWNER})) as response:
        status, detail = await problem(response)
        assert int(response.headers["Retry-After"]) > 0
    assert (status, setting in detail) == (429, True)
    assert len(sandbox.twilio.legs) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(500), 502),
        (Answer(drop=True), 502),
        (Answer(401, b'{"code": 20003, "message": "Raw words.", "status": 401}'), 502),
        (Answer(400, b'{"code": 21215, "message": "Raw words.", "status": 400}'), 403),
    ],
)
async def test_what_twilio_does_wrong_is_not_the_callers_fault(
    start: Start, answer: Answer, status: int
) -> None:
    async with scripted(answer) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        async with server.raw("POST", "/call", orjson.dumps({"to": OWNER})) as response:
            told, detail = await problem(response)
    assert told == status
    assert "Raw words" not in detail


async def test_when_twilio_has_no_time_it_is_asked_three_times_and_then_we_have_none_either(
    start: Start,
) -> None:
    async with scripted(
        Answer(429, b'{"code": 20429, "message": "Too many requests", "status": 429}')
    ) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        async with server.raw("POST", "/call", orjson.dumps({"to": OWNER})) as response:
            assert (await problem(response))[0] == 503
            assert int(response.headers["Retry-After"]) > 0
        assert len(twilio.received) == 3


async def test_a_refused_call_takes_no_line_and_is_no_history(start: Start) -> None:
    async with scripted(Answer(401)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url, MAX_CONCURRENT_CALLS="1")
        assert (await server.ask("POST", "/call", {"to": OWNER}))[0] == 502

        async def over() -> bool:
            return not server.app[keys.SWITCHBOARD].active

        await until(over)
        assert (await server.ask("POST", "/call", {"to": OWNER}))[0] == 502
        assert await server.history() == []


async def test_a_call_placed_after_all_is_adopted_by_twilios_next_request(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    """Twilio answers 500 and rings all the same: what it asks for afterwards carries our own reference."""
    async with scripted(Answer(500)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        assert (await server.ask("POST", "/call", {"to": OWNER}))[0] == 502
        assert len(twilio.received) == 1
        (url,) = parse_qs(twilio.received[0].body.decode())["StatusCallback"]
        path = url.removeprefix(server.url).partition("#")[0]
        sid = "CA" + "7" * 32
        assert await server.status_callback(path, CallSid=sid, CallStatus="ringing") == 204
        await bridge.until("call_started", sid)
        assert [call["call_id"] for call in await server.history()] == [sid]
        await server.status_callback(path, CallSid=sid, CallStatus="no-answer")
        assert (await bridge.until("call_ended", sid))["data"]["status"] == "no-answer"


async def test_the_running_calls_are_listed(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    assert await server.ask("GET", "/calls") == (200, {"active_calls": 0, "calls": []})
    outbound = await server.dial(ENDLESS)
    await bridge.until("call_answered", outbound)
    inbound = sandbox.phone_in(GUEST, "endless").id
    await bridge.until("call_answered", inbound)
    _, answer = await server.ask("GET", "/calls")
    assert answer["active_calls"] == 2

    def shown(call: dict[str, Any]) -> tuple[Any, ...]:
        assert isinstance(call["duration_seconds"], int)
        assert call["started_at"].endswith("Z")
        assert set(call) == {
            *("call_id", "direction", "status", "from", "to", "started_at", "duration_seconds", "agent")
        }
        return call["call_id"], call["direction"], call["status"], call["from"], call["to"], call["agent"]

    assert [shown(call) for call in answer["calls"]] == [
        (outbound, "outbound", "in-progress", OWN_NUMBER, ENDLESS, "Ada"),
        (inbound, "inbound", "in-progress", GUEST, OWN_NUMBER, "Ada"),
    ]
    for call_id in (outbound, inbound):
        await server.ask("DELETE", f"/call/{call_id}")
    assert await server.ask("GET", "/calls") == (200, {"active_calls": 0, "calls": []})


async def test_another_method_is_named_the_right_one(server: RunningServer) -> None:
    async with server.raw("GET", "/call") as response:
        assert await problem(response) == (405, "Use POST.")
