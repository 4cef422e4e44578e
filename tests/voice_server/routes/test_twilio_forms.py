"""Forms of Twilio's that are odd, forged or of no use: refused or taken, and never an error of ours."""

import hashlib
from collections.abc import Iterable
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from sandbox.app import Sandbox
from services.voice_server import keys
from shared.events import CallStatus
from shared.problems import BODY_LIMIT_BYTES
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, RunningServer, problem
from tests.voice_server.serving import Answer, scripted

SID = "CA" + "1" * 32
PATHS = ("/voice/twiml?ref=x", "/voice/incoming", "/webhook?ref=x")
ENDLESS = "+14155550106"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def signature(server: RunningServer, path: str, form: Iterable[tuple[str, str]] = ()) -> str:
    """Sign a request as Twilio's own library does."""
    token = server.sandbox.world.settings.twilio_auth_token.get_secret_value()
    signed: str = RequestValidator(token).compute_signature(server.url + path, MultiDict(form))
    return signed


def post(server: RunningServer, path: str, data: Any, signed: str, **headers: str) -> Any:
    return server.http.post(server.url + path, data=data, headers={"X-Twilio-Signature": signed, **headers})


async def test_fields_that_come_twice_or_are_new_are_taken(server: RunningServer) -> None:
    form = [
        ("AccountSid", server.sandbox.world.settings.twilio_account_sid),
        ("CallSid", SID),
        ("From", OWNER),
        ("CallerName", "Ada"),
        ("CallerName", "Ada"),
        ("CallerName", ""),
        ("Invented in 2031", "\u20ac"),
    ]
    signed = signature(server, "/voice/incoming", form)
    async with post(server, "/voice/incoming", form, signed) as response:
        assert (response.status, "<Dial" in await response.text()) == (200, True)
    async with post(server, "/voice/incoming", form[:-1], signed) as response:
        assert (await problem(response))[0] == 403


@pytest.mark.parametrize("path", PATHS)
async def test_json_is_refused_though_its_hash_is_signed(server: RunningServer, path: str) -> None:
    body = b'{"CallSid": "CA1"}'
    for digest in (hashlib.sha256(body).hexdigest(), "00", ""):
        hashed = f"{path}{'&' if '?' in path else '?'}bodySHA256={digest}"
        json = {"Content-Type": "application/json"}
        async with post(server, hashed, body, signature(server, hashed), **json) as response:
            assert (await problem(response))[0] == 403


@pytest.mark.parametrize("path", PATHS)
async def test_a_form_that_is_too_large_is_refused(server: RunningServer, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with post(server, path, b"a" * (BODY_LIMIT_BYTES + 1), "AAAA", **form) as response:
        assert (await problem(response))[0] == 413


@pytest.mark.parametrize("path", ["/", *PATHS, "/voice/stream"])
async def test_a_socket_is_never_opened(server: RunningServer, path: str) -> None:
    """Audio does not come to us: signed or not, a handshake is an ordinary request that is refused."""
    for headers in ({}, {"X-Twilio-Signature": signature(server, path)}):
        with pytest.raises(WSServerHandshakeError) as refused:
            await server.http.ws_connect(server.url + path, headers=headers)
        assert 400 <= refused.value.status < 500
        async with server.http.post(server.url + path, headers={**UPGRADE, **headers}) as response:
            assert 400 <= response.status < 500


async def test_a_forged_status_changes_nothing_of_a_call(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial(ENDLESS)
    await bridge.until("call_answered", call_id)
    path = f"/webhook?ref={str(sandbox.twilio.legs[call_id].url).partition('ref=')[2]}"
    account = ("AccountSid", sandbox.world.settings.twilio_account_sid)
    genuine = [account, ("CallSid", call_id), ("CallStatus", "in-progress")]
    forged = [account, ("CallSid", call_id), ("CallStatus", "completed")]
    for signed in ("", "AAAA", "\u00e9", signature(server, path, genuine), signature(server, path)):
        async with post(server, path, forged, signed) as response:
            assert response.status == 403
    (call,) = server.app[keys.SWITCHBOARD].active
    assert (call.call_id, call.status, call.leg_gone) == (call_id, CallStatus.IN_PROGRESS, False)


@pytest.mark.parametrize("known", [True, False])
async def test_a_recording_is_never_fetched_wherever_it_is_said_to_be(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox, known: bool
) -> None:
    """Nothing is recorded here; and whoever fetched it would show Twilio's credentials to any address."""
    call_id = await server.dial(ENDLESS) if known else SID
    if known:
        await bridge.until("call_answered", call_id)
    async with scripted(Answer(200, b"RIFF", "audio/wav")) as somewhere:
        for status in ("in-progress", "completed", "absent"):
            recording = {
                "RecordingSid": "RE" + "1" * 32,
                "RecordingUrl": f"{somewhere.url}/2010-04-01/Accounts/AC/Recordings/RE",
                "RecordingStatus": status,
                "RecordingSource": "OutboundAPI",
            }
            assert await server.status_callback("/webhook", CallSid=call_id, **recording) == 204
        assert [call.call_id for call in server.app[keys.SWITCHBOARD].active] == [call_id] * known
        if known:
            await server.ask("DELETE", f"/call/{call_id}")
            await bridge.until("call_ended", call_id)
        assert somewhere.received == []
    assert not [one.path for one in sandbox.twilio.received if "Recording" in one.path]
