"""What Twilio asks and tells: only its own word counts, in whatever order it comes."""

import itertools
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from yarl import URL

from sandbox.app import Sandbox
from sandbox.signing import twilio_signature
from services.voice_server import keys
from shared.events import CallStatus
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

SID = "CA" + "1" * 32
PATHS = ("/voice/twiml?ref=x", "/voice/incoming", "/webhook?ref=x")
FORM = "application/x-www-form-urlencoded"
HANG_UP = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup /></Response>'


def signed(server: RunningServer, path: str, form: dict[str, str]) -> str:
    token = server.sandbox.world.settings.twilio_auth_token
    return twilio_signature(token, server.url + path, form.items())


def account(server: RunningServer) -> str:
    return server.sandbox.world.settings.twilio_account_sid


BODIES: dict[str, tuple[str, bytes]] = {
    "JSON": ("application/json", b'{"CallSid": "CA1"}'),
    "text": ("text/plain", b"CallSid=CA1"),
    "no type": ("", b"CallSid=CA1"),
    "unknown charset": (f"{FORM}; charset=zzz", b"CallSid=CA1"),
    "UTF-16": (f"{FORM}; charset=utf-16", b"C\x00\xd8"),
    "binary": (FORM, b"\xff"),
    "percent-encoded binary": (FORM, b"CallSid=%ff"),
    "multipart": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
    ),
    "multipart without a boundary": ("multipart/form-data", b"--x"),
    "a file": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n--x--',
    ),
    "empty": (FORM, b""),
    "a thousand fields": (FORM, b"&".join(b"%d=" % number for number in range(1000))),
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_is_not_a_signed_form_is_refused_and_never_an_error_of_ours(
    server: RunningServer, path: str
) -> None:
    """The signature is a genuine one over the URL alone: it must not stand for a body we cannot read."""
    url = URL(server.url + path, encoded=True)
    for name, (content_type, body) in BODIES.items():
        headers = {"Content-Type": content_type, "X-Twilio-Signature": signed(server, path, {})}
        async with server.http.post(url, data=body, headers=headers) as response:
            assert (await problem(response))[0] == 403, name


@pytest.mark.parametrize("path", PATHS)
async def test_without_twilios_signature_nothing_is_believed(server: RunningServer, path: str) -> None:
    form = {"AccountSid": account(server), "CallSid": SID, "From": OWNER}
    for signature in ("", "AAAA", "\u00e9", "x" * 1000):
        headers = {"X-Twilio-Signature": signature}
        async with server.http.post(server.url + path, data=form, headers=headers) as response:
            assert (await problem(response))[0] == 403, signature
    async with server.http.post(server.url + path, data=form) as response:
        assert (await problem(response))[0] == (401 if path.startswith("/webhook") else 403)
    assert not server.app[keys.SWITCHBOARD].active


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/voice/incoming", {"From": STRANGER}),
        ("/voice/incoming", {"Added": ""}),
        ("/voice/incoming?x=1", {}),
        ("/voice/incoming", {"FromCity": "Oslo"}),
    ],
)
async def test_what_was_changed_on_the_way_is_noticed(
    server: RunningServer, path: str, form: dict[str, str]
) -> None:
    genuine = {"AccountSid": account(server), "CallSid": SID, "From": OWNER, "FromCity": ""}
    headers = {"X-Twilio-Signature": signed(server, "/voice/incoming", genuine)}
    async with server.http.post(server.url + path, data=genuine | form, headers=headers) as response:
        assert (await problem(response))[0] == 403
    assert not server.app[keys.SWITCHBOARD].active


async def test_only_public_url_decides_what_was_signed(server: RunningServer) -> None:
    form = {"AccountSid": account(server), "CallSid": SID, "From": STRANGER}
    headers = {
        "X-Twilio-Signature": signed(server, "/voice/incoming", form),
        "Host": "attacker.example",
        "X-Forwarded-Host": "attacker.example",
        "X-Forwarded-Proto": "https",
    }
    async with server.http.post(f"{server.url}/voice/incoming", data=form, headers=headers) as response:
        assert response.status == 200


async def test_another_accounts_calls_are_none_of_ours(server: RunningServer) -> None:
    for other in ("AC" + "0" * 32, ""):
        async with server.twilio("/voice/incoming", AccountSid=other, CallSid=SID, From=OWNER) as response:
            assert (await problem(response))[0] == 403


async def test_a_genuine_request_without_a_call_is_refused(server: RunningServer) -> None:
    for path in PATHS:
        async with server.twilio(path) as response:
            assert (await problem(response))[0] == 422


async def test_an_owner_who_calls_the_number_is_bridged_to_openai(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "greeting", "number").id
    ended = await bridge.until("call_ended", call_id)
    assert (ended["data"]["status"], ended["data"]["endReason"]) == ("completed", "caller_hung_up")
    assert bridge.turns(call_id) == [("assistant", "Hi, this is Ada.", False)]
    assert bridge.of(call_id)[0]["direction"] == "inbound"
    realtime = sandbox.call(call_id).realtime
    assert realtime
    assert realtime.invite.sender == OWNER
    assert (await server.call_over(call_id))["call_id"] == call_id


@pytest.mark.parametrize("withheld", ["anonymous", "+266696687"])
async def test_a_withheld_number_is_anonymous_and_a_guest(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox, withheld: Any
) -> None:
    await start(ALLOWED_CALLERS="*")
    sandbox.switches.withheld_from = withheld
    call_id = sandbox.phone_in("anonymous", "greeting", "number").id
    await bridge.until("call_ended", call_id)
    assert bridge.of(call_id)[0]["phoneNumber"] == "anonymous"
    assert bridge.of(call_id)[0]["data"]["from"] == "anonymous"


@pytest.mark.parametrize("caller", [STRANGER, "anonymous"])
async def test_a_stranger_who_calls_the_number_is_turned_away_unanswered(
    server: RunningServer, sandbox: Sandbox, caller: str
) -> None:
    call = await sandbox.call_over(sandbox.phone_in(caller, "greeting", "number").id)
    assert call.leg
    assert call.leg.status is CallStatus.NO_ANSWER
    assert call.realtime is None
    (listed,) = await server.history("?status=rejected")
    assert (listed["call_id"], listed["from"]) == (call.id, caller)
    again = await server.twiml("/voice/incoming", CallSid=call.id, From=caller)
    assert '<Reject reason="rejected" />' in again
    assert len(await server.history()) == 1


async def test_when_all_lines_are_taken_the_number_is_busy(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(MAX_CONCURRENT_CALLS="1")
    first = await server.dial("+14155550106")
    await bridge.until("call_answered", first)
    call = await sandbox.call_over(sandbox.phone_in(GUEST, "greeting", "number").id)
    assert call.leg
    assert call.leg.status is CallStatus.BUSY
    assert [one["call_id"] for one in await server.history("?status=rejected")] == [call.id]


async def test_a_document_fetched_twice_is_the_same_and_of_one_call(server: RunningServer) -> None:
    first, second = [await server.twiml("/voice/incoming", CallSid=SID, From=OWNER) for _ in range(2)]
    assert first == second
    assert f'callerId="{OWNER}"' in first
    assert len(server.app[keys.SWITCHBOARD].active) == 1


async def test_a_call_that_is_over_is_not_begun_again_by_a_late_request(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, "greeting", "number").id
    await bridge.until("call_ended", call_id)
    late = await server.twiml("/voice/incoming", CallSid=call_id, From=OWNER)
    assert "<Dial" not in late
    assert not server.app[keys.SWITCHBOARD].active
    assert len(await server.history()) == 1


@pytest.mark.parametrize("path", ["/voice/twiml", "/voice/twiml?ref=", "/voice/twiml?ref=unknown"])
async def test_a_person_on_a_call_that_nobody_knows_is_hung_up(server: RunningServer, path: str) -> None:
    assert await server.twiml(path, CallSid=SID, CallStatus="in-progress") == HANG_UP


def ref_of(sandbox: Sandbox, call_id: str) -> str:
    return str(sandbox.twilio.legs[call_id].url).partition("ref=")[2]


async def test_a_person_who_picks_up_is_bridged_once(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial("+14155550106")
    await bridge.until("call_answered", call_id)
    await sandbox.world.watch.until(lambda: sandbox.call(call_id).realtime is not None)
    realtime = sandbox.call(call_id).realtime
    assert realtime
    await sandbox.world.watch.until(lambda: realtime.is_live)
    again = await server.twiml(f"/voice/twiml?ref={ref_of(sandbox, call_id)}", CallSid=call_id)
    assert "<Sip>" not in again  # its token is used up; a second bridge would be a second conversation


EVENTS = ("initiated", "ringing", "in-progress", "busy")


async def test_status_callbacks_in_any_order_lead_to_the_same_end(
    server: RunningServer, bridge: RecordingBridge
) -> None:
    for number, order in enumerate(itertools.permutations(EVENTS)):
        sid = f"CA{number:032x}"
        await server.twiml("/voice/incoming", CallSid=sid, From=OWNER)
        for status in order:
            for _ in range(2):  # each comes twice
                assert await server.status_callback("/webhook", CallSid=sid, CallStatus=status) == 204
        ended = await bridge.until("call_ended", sid)
        assert bridge.types(sid).count("call_ended") == 1
        assert ended["data"]["status"] == "busy", order
        assert await server.status_callback("/webhook", CallSid=sid, CallStatus="ringing") == 204
        assert (await server.call_over(sid))["status"] == "busy", order


async def test_a_status_nobody_has_heard_of_changes_nothing(
    server: RunningServer, bridge: RecordingBridge
) -> None:
    await server.twiml("/voice/incoming", CallSid=SID, From=OWNER)
    await bridge.until("call_started", SID)
    for status in ("", "paused", "\u00e9"):
        assert await server.status_callback("/webhook", CallSid=SID, CallStatus=status) == 204
    assert len(server.app[keys.SWITCHBOARD].active) == 1


async def test_the_status_of_a_call_that_nobody_knows_is_taken_and_logged(server: RunningServer) -> None:
    with capture_logs([merge_contextvars]) as logs:
        assert await server.status_callback("/webhook", CallSid=SID, CallStatus="completed") == 204
        assert await server.status_callback("/webhook?ref=old", CallSid=SID, CallStatus="completed") == 204
    assert [(line["event"], line["call_id"]) for line in logs] == [("status_of_unknown_call", SID)] * 2
    assert await server.history() == []


async def test_twilio_gets_no_other_method(server: RunningServer) -> None:
    for path in ("/voice/twiml", "/voice/incoming", "/webhook"):
        async with server.raw("GET", path) as response:
            assert await problem(response) == (405, "Use POST.")


async def test_the_twiml_of_a_placed_call_is_what_was_agreed(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    sandbox.world.clock.speed = 2
    call_id = await server.dial("+14155550105")  # nobody answers; so we do
    document = await server.twiml(f"/voice/twiml?ref={ref_of(sandbox, call_id)}", CallSid=call_id)
    token = document.partition("X-Openclaw-Call=")[2].partition("<")[0]
    assert document == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        f'<Dial answerOnBridge="true" callerId="{OWN_NUMBER}" timeLimit="1800">'
        f"<Sip>sip:proj_Sandbox0123@sip.api.openai.com;transport=tls?X-Openclaw-Call={token}</Sip>"
        "</Dial></Response>"
    )
    assert len(token) == 32
    await bridge.until("call_answered", call_id)
