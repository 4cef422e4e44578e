"""`/webhook`: who may tell us of a call, how often, and what comes of it."""

import asyncio
import time

import orjson
import pytest
from multidict import CIMultiDict
from openai import AsyncOpenAI

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause
from sandbox.signing import webhook_signature
from services.voice_server import keys
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, STRANGER, RunningServer, Start, problem

FROM_OWNER = ("From", f"<sip:{OWNER}@pstn.twilio.com>")
SIGNED = [("webhook-id", "wh_1"), ("webhook-timestamp", "{now}"), ("webhook-signature", "{signature}")]


def accepts(sandbox: Sandbox) -> list[str]:
    return [request.path for request in sandbox.openai.received if request.path.endswith("/accept")]


async def test_an_owner_is_accepted(server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox) -> None:
    call_id = sandbox.phone_in(OWNER, "greeting").id
    await bridge.until("call_ended", call_id)
    started = bridge.of(call_id)[0]
    assert (started["phoneNumber"], started["direction"]) == (OWNER, "inbound")
    assert started["data"] == {"from": OWNER, "to": "+14155550100"}
    assert [delivery.status for delivery in sandbox.openai.webhooks.deliveries] == [200]


@pytest.mark.parametrize("caller", [STRANGER, "anonymous"])
async def test_a_stranger_is_declined_and_can_be_seen_in_history(
    server: RunningServer, sandbox: Sandbox, bridge: RecordingBridge, caller: str
) -> None:
    call_id = sandbox.phone_in(caller, "greeting").id
    call = (await sandbox.call_over(call_id)).realtime
    assert call
    assert (call.cause, call.sip_status) == (EndCause.REJECTED, 603)
    (listed,) = await server.history("?status=rejected")
    assert (listed["call_id"], listed["from"], listed["direction"]) == (call_id, caller, "inbound")
    _, shown = await server.ask("GET", f"/history/{call_id}")
    assert (shown["end_reason"], shown["answered_at"]) == ("rejected", None)
    assert accepts(sandbox) == []
    assert bridge.events == []


async def test_everybody_is_let_in_where_everybody_is_allowed(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    await start(ALLOWED_CALLERS="*")
    call_id = sandbox.phone_in("anonymous", "greeting").id
    await bridge.until("call_ended", call_id)
    assert bridge.of(call_id)[0]["phoneNumber"] == "anonymous"


async def test_when_all_lines_are_taken_it_is_busy(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(MAX_CONCURRENT_CALLS="1")
    first = sandbox.phone_in(OWNER, "endless").id
    await bridge.until("call_answered", first)
    second = await sandbox.call_over(sandbox.phone_in(GUEST, "greeting").id)
    assert second.realtime
    assert second.realtime.sip_status == 486
    assert [call["call_id"] for call in await server.history("?status=rejected")] == [second.id]
    await server.ask("DELETE", f"/call/{first}")
    third = sandbox.phone_in(GUEST, "greeting").id
    await bridge.until("call_ended", third)


@pytest.mark.parametrize("deliveries", [["wh_1", "wh_1"], ["wh_1", "wh_2"], ["wh_1"] * 10 + ["wh_2"] * 10])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_call_announced_more_than_once_is_accepted_once(
    server: RunningServer,
    bridge: RecordingBridge,
    sandbox: Sandbox,
    deliveries: list[str],
    at_once: bool,
) -> None:
    announce = (server.offer("rtc_1", FROM_OWNER, delivery=delivery) for delivery in deliveries)
    if at_once:
        statuses = await asyncio.gather(*announce)
    else:
        statuses = [await one for one in announce]
    assert statuses == [200] * len(deliveries)
    await sandbox.world.watch.until(lambda: bool(accepts(sandbox)))
    await bridge.until("call_ended", "rtc_1")  # the sandbox does not know it: the caller is gone
    assert len(accepts(sandbox)) == 1
    assert len(await server.history()) == 1
    assert await server.offer("rtc_1", FROM_OWNER, delivery="wh_9") == 200
    assert len(await server.history()) == 1


async def test_a_test_delivery_for_no_call_does_no_harm(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    assert await server.offer("rtc_test", FROM_OWNER) == 200
    ended = await bridge.until("call_ended", "rtc_test")
    assert (ended["data"]["status"], ended["data"]["endReason"]) == ("failed", "connection_failed")
    assert len(accepts(sandbox)) == 1
    assert (await server.ask("GET", "/health"))[1]["status"] == "ok"


@pytest.mark.parametrize("claim", ["out_7f3a", "{ref}", "{call_id}", "token:{ref}", "token:", "' OR 1=1 --"])
async def test_a_forged_claim_to_be_ours_is_declined_even_from_an_owners_number(
    server: RunningServer, sandbox: Sandbox, claim: str
) -> None:
    call_id = await server.dial("+14155550106")
    ref = str(sandbox.twilio.legs[call_id].url).partition("ref=")[2]
    value = claim.format(ref=ref, call_id=call_id)
    assert await server.offer("rtc_forged", FROM_OWNER, ("x-openclaw-call", value)) == 200
    assert [call["call_id"] for call in await server.history("?status=rejected")] == ["rtc_forged"]
    assert not any("rtc_forged" in path for path in accepts(sandbox))


async def test_the_token_of_a_call_is_good_for_one_offer(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.until("call_answered", call_id)
    realtime = sandbox.call(call_id).realtime
    assert realtime
    token = dict(realtime.invite.headers)["X-Openclaw-Call"]
    assert len(token) >= 32
    await server.offer("rtc_2", FROM_OWNER, ("X-Openclaw-Call", token), delivery="wh_again")
    assert [call["call_id"] for call in await server.history("?status=rejected")] == ["rtc_2"]
    assert (await server.ask("GET", "/calls"))[1]["active_calls"] == 1


@pytest.mark.parametrize(
    "event",
    [
        {"type": "live.call.incoming", "data": {"call_id": "live_1", "sip_headers": []}},
        {
            "type": "live.transport.incoming",
            "data": {"type": "sip", "session_id": "live_1", "sip_headers": []},
        },
        {"type": "response.completed", "data": {"id": "resp_1"}},
        {"type": "something.new"},
    ],
)
async def test_other_events_are_taken_and_nothing_comes_of_them(
    server: RunningServer, sandbox: Sandbox, event: dict[str, object]
) -> None:
    assert await server.webhook(orjson.dumps(event)) == 200
    assert sandbox.openai.received == []
    assert await server.history() == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"not JSON",
        b"[]",
        b'"realtime.call.incoming"',
        b'{"type": "realtime.call.incoming"}',
        b'{"type": "realtime.call.incoming", "data": {"sip_headers": []}}',
        b'{"type": "realtime.call.incoming", "data": {"call_id": "", "sip_headers": []}}',
        b'{"type": "realtime.call.incoming", "data": {"call_id": 7, "sip_headers": []}}',
        b'{"type": "realtime.call.incoming", "data": {"call_id": "rtc_1", "sip_headers": {}}}',
        b'{"type": "realtime.call.incoming", "data": {"call_id": "rtc_1", "sip_headers": [7]}}',
    ],
)
async def test_a_signed_body_that_is_no_event_is_refused_and_begins_no_call(
    server: RunningServer, sandbox: Sandbox, body: bytes
) -> None:
    assert await server.webhook(body) == 400
    assert sandbox.openai.received == []
    assert await server.history() == []


UNSIGNED: dict[str, list[tuple[str, str]]] = {
    "no header at all": [],
    "no signature": [("webhook-id", "wh_1"), ("webhook-timestamp", "{now}")],
    "no id": [("webhook-timestamp", "{now}"), ("webhook-signature", "{signature}")],
    "no time": [("webhook-id", "wh_1"), ("webhook-signature", "{signature}")],
    "a time not of the signature": [*SIGNED[:1], ("webhook-timestamp", "{later}"), *SIGNED[2:]],
    "a time in words": [*SIGNED[:1], ("webhook-timestamp", "now"), *SIGNED[2:]],
    "a time beyond floats": [*SIGNED[:1], ("webhook-timestamp", "9" * 400), *SIGNED[2:]],
    "another id": [("webhook-id", "wh_2"), *SIGNED[1:]],
    "an id in bytes": [("webhook-id", "\u00ff"), *SIGNED[1:]],
    "a wrong signature": [*SIGNED[:2], ("webhook-signature", "v1,AAAA")],
    "a signature not ASCII": [*SIGNED[:2], ("webhook-signature", "v1,\u00e9")],
    "a signature without a comma": [*SIGNED[:2], ("webhook-signature", "v1")],
    "a signature of another version": [*SIGNED[:2], ("webhook-signature", "{signature_v1a}")],
    "an empty signature": [*SIGNED[:2], ("webhook-signature", "")],
    "two ids": [*SIGNED, SIGNED[0]],
    "two times": [*SIGNED, SIGNED[1]],
    "two signatures": [*SIGNED, SIGNED[2]],
}


@pytest.mark.parametrize("headers", UNSIGNED.values(), ids=UNSIGNED)
async def test_what_openai_has_not_signed_is_refused(
    server: RunningServer, sandbox: Sandbox, headers: list[tuple[str, str]]
) -> None:
    now = int(time.time())
    body = orjson.dumps({"type": "realtime.call.incoming", "data": {"call_id": "rtc_1", "sip_headers": []}})
    signature = webhook_signature(sandbox.world.settings.openai_webhook_secret, "wh_1", now, body)
    values = {"now": now, "later": now + 1, "signature": signature, "signature_v1a": f"v1a{signature[2:]}"}
    given = CIMultiDict((name, value.format(**values)) for name, value in headers)
    async with server.http.post(f"{server.url}/webhook", data=body, headers=given) as response:
        assert (await problem(response))[0] == 401
    assert sandbox.openai.received == []


async def test_a_webhook_is_answered_within_half_a_second_while_openai_hangs(
    start: Start, sandbox: Sandbox
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    connected = asyncio.Event()
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as openai:
        port = openai.sockets[0].getsockname()[1]
        server = await start(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1")
        async with asyncio.timeout(0.5):
            assert await server.offer("rtc_1", FROM_OWNER) == 200
        async with asyncio.timeout(1):
            await connected.wait()
        await server.crash()


@pytest.mark.parametrize("path", ["/webhook", "/webhook/", "//webhook"])
async def test_a_webhook_is_never_redirected(server: RunningServer, path: str) -> None:
    async with server.http.post(f"{server.url}{path}", data=b"{}", allow_redirects=False) as response:
        assert response.status in {401, 404}


async def test_a_body_that_is_too_large_is_refused(server: RunningServer) -> None:
    headers = {"webhook-signature": "v1,AAAA"}
    async with server.http.post(f"{server.url}/webhook", data=b" " * 300_000, headers=headers) as response:
        assert (await problem(response))[0] == 413


async def test_a_body_that_is_not_compressed_as_it_says_is_refused(server: RunningServer) -> None:
    headers = {"webhook-signature": "v1,AAAA", "Content-Encoding": "gzip"}
    async with server.http.post(f"{server.url}/webhook", data=b"garbage", headers=headers) as response:
        assert await problem(response) == (400, "The body is not encoded as its headers say.")


async def test_openais_own_verifier_takes_what_the_sandbox_sends_us(
    server: RunningServer, sandbox: Sandbox
) -> None:
    sandbox.phone_in(STRANGER, "greeting")
    await sandbox.world.watch.until(lambda: bool(sandbox.openai.webhooks.deliveries))
    (delivery,) = sandbox.openai.webhooks.deliveries
    secret = sandbox.world.settings.openai_webhook_secret.get_secret_value()
    headers = {
        "webhook-id": delivery.webhook_id,
        "webhook-timestamp": str(delivery.timestamp),
        "webhook-signature": delivery.signature,
    }
    async with AsyncOpenAI(api_key="none", webhook_secret=secret) as judge:
        judge.webhooks.verify_signature(delivery.body.decode(), headers)
    assert delivery.status == 200
    assert not server.app[keys.SWITCHBOARD].active
