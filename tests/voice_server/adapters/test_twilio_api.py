"""Calls placed and ended at the sandbox's Twilio, and at one that fails in every way."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, parse_qsl

import orjson
import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from sandbox.app import Sandbox
from services.voice_server.adapters.twilio_api import Leg, TwilioApi
from services.voice_server.adapters.twilio_errors import (
    TwilioBusyError,
    TwilioError,
    TwilioUncertainError,
    TwilioUnreachableError,
)
from services.voice_server.adapters.twilio_http import Credentials
from shared.events import CallStatus
from tests.sandbox import openapi
from tests.voice_server.running_server import OWN_NUMBER, OWNER
from tests.voice_server.serving import Answer, ScriptedPeer, free_port, scripted

ACCOUNT = "AC5a0db0c5a0db0c5a0db0c5a0db0c5a0d"
CREDENTIALS = Credentials(ACCOUNT, ACCOUNT, "sandbox-auth-token")
PUBLIC_URL = "http://phone.example.com"
SID = "CA" + "0" * 32


def placed(sid: object = SID) -> Answer:
    return Answer(201, orjson.dumps({"sid": sid, "status": "queued"}))


def updated(status: str) -> Answer:
    return Answer(200, orjson.dumps({"sid": SID, "status": status}))


def refusal(code: int, status: int = 400) -> Answer:
    body = {"code": code, "message": "Raw words of Twilio.", "status": status}
    return Answer(status, orjson.dumps(body))


def problem(code: int, status: int) -> Answer:
    """Word a refusal as Twilio's newer services do (RFC 9457)."""
    return Answer(
        status, orjson.dumps({"type": "about:blank", "title": "No", "status": status, "code": code})
    )


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedPeer]:
    async with scripted(placed()) as scripted_peer:
        yield scripted_peer


@pytest.fixture
def api(peer: ScriptedPeer, http: ClientSession) -> TwilioApi:
    return TwilioApi(http, CREDENTIALS, peer.url, PUBLIC_URL, OWN_NUMBER)


@pytest.fixture
def hasty(peer: ScriptedPeer, http: ClientSession) -> TwilioApi:
    return TwilioApi(http, CREDENTIALS, peer.url, PUBLIC_URL, OWN_NUMBER, timeout_seconds=0.2)


@pytest.fixture
def sandboxed(sandbox: Sandbox, http: ClientSession) -> TwilioApi:
    sandbox.public_url = "http://127.0.0.1:9"  # nobody is to be asked
    sandbox.world.clock.speed = 2
    return TwilioApi(http, CREDENTIALS, sandbox.url, sandbox.public_url, OWN_NUMBER)


async def place(api: TwilioApi, to: str = OWNER) -> str:
    return await api.place_call("ref_1", to=to, caller_id=OWN_NUMBER, time_limit_seconds=1800)


async def test_a_call_is_placed_with_one_form_that_says_all(sandboxed: TwilioApi, sandbox: Sandbox) -> None:
    call_sid = await place(sandboxed)
    assert sandbox.twilio.legs[call_sid].to == OWNER
    (request,) = sandbox.twilio.received
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    assert parse_qs(request.body.decode()) == {
        "To": [OWNER],
        "From": [OWN_NUMBER],
        "Url": ["http://127.0.0.1:9/voice/twiml?ref=ref_1"],
        "Method": ["POST"],
        "StatusCallback": ["http://127.0.0.1:9/webhook?ref=ref_1#rc=3&rp=ct,rt,5xx"],
        "StatusCallbackMethod": ["POST"],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "Timeout": ["30"],
        "TimeLimit": ["1800"],
    }
    assert sandboxed.health.status == "ok"


async def test_every_form_is_one_that_twilio_documents(
    sandboxed: TwilioApi, sandbox: Sandbox, api: TwilioApi, peer: ScriptedPeer
) -> None:
    await sandboxed.hang_up(await place(sandboxed))
    for request in sandbox.twilio.received:
        openapi.check_form(
            openapi.CALLS if request.path.endswith("/Calls.json") else openapi.CALL, request.form.items()
        )
    assert len(sandbox.twilio.received) == 2
    peer.answers = [updated("in-progress"), updated("completed")]
    await api.hang_up(SID)
    for update in peer.received:
        openapi.check_form(openapi.CALL, parse_qsl(update.body.decode(), strict_parsing=True))
    assert len(peer.received) == 2


async def test_an_api_key_acts_for_the_account(
    api: TwilioApi, peer: ScriptedPeer, http: ClientSession
) -> None:
    with_key = TwilioApi(http, Credentials(ACCOUNT, "SK1", "secret"), peer.url, PUBLIC_URL, OWN_NUMBER)
    await place(with_key)
    assert peer.received[0].path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    assert peer.received[0].headers["Authorization"] == "Basic U0sxOnNlY3JldA=="


async def test_the_environment_cannot_send_us_to_another_host(
    peer: ScriptedPeer, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC-of-somebody-else")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await place(TwilioApi(http, CREDENTIALS, peer.url, PUBLIC_URL, OWN_NUMBER)) == SID
    assert len(peer.received) == 1
    assert peer.received[0].headers["Host"] == peer.url.removeprefix("http://")


UNCLEAR = {
    "500": Answer(500, b"oops", "text/plain"),
    "503": Answer(503, b"<html>", "text/html"),
    "500 in JSON": refusal(20500, 500),
    "503 as a problem": problem(20503, 503),
    "dropped": Answer(drop=True),
    "silent": Answer(silent=True),
    "placed, not JSON": Answer(201, b"<html>"),
    "placed, not UTF-8": Answer(201, b"\xff"),
    "placed, without an id": Answer(201, b"{}"),
    "placed, no object": Answer(201, b"[]"),
}


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
async def test_a_call_that_may_have_been_placed_is_never_placed_again(
    api: TwilioApi, hasty: TwilioApi, peer: ScriptedPeer, answer: Answer
) -> None:
    peer.answers = [answer]
    chosen = hasty if answer.silent else api
    async with asyncio.timeout(5):
        with pytest.raises(TwilioUncertainError):
            await place(chosen)
    assert len(peer.received) == 1
    assert chosen.health.status == "failed"


async def test_where_nobody_listens_nothing_was_placed(http: ClientSession) -> None:
    port = free_port()
    api = TwilioApi(
        http, CREDENTIALS, f"http://127.0.0.1:{port}", PUBLIC_URL, OWN_NUMBER, timeout_seconds=0.1
    )
    with pytest.raises(TwilioUnreachableError, match="nothing was placed"):
        await place(api)
    assert api.health.status == "failed"


async def test_too_many_requests_are_repeated_until_twilio_has_time(
    api: TwilioApi, peer: ScriptedPeer
) -> None:
    peer.answers = [problem(20429, 429), placed()]
    assert await place(api) == SID
    assert len(peer.received) == 2


async def test_three_times_is_enough_and_later_each_time(api: TwilioApi, peer: ScriptedPeer) -> None:
    peer.answers = [refusal(20429, 429)]
    begun = time.monotonic()
    with pytest.raises(TwilioBusyError):
        await place(api)
    assert len(peer.received) == 3
    assert time.monotonic() - begun >= 0.4 + 0.8
    assert api.health.status == "unknown"  # Twilio is well


async def test_a_busy_twilio_is_not_asked_again_once_the_time_of_a_request_is_over(
    hasty: TwilioApi, peer: ScriptedPeer
) -> None:
    peer.answers = [refusal(20429, 429)]
    with pytest.raises(TwilioBusyError):
        await place(hasty)
    assert len(peer.received) == 2


async def test_a_redirect_is_not_followed(api: TwilioApi, peer: ScriptedPeer) -> None:
    peer.answers = [Answer(302, headers={"Location": peer.url})]
    with pytest.raises(TwilioError, match="302"):
        await place(api)
    assert len(peer.received) == 1


async def test_how_long_a_call_waits_at_twilio_is_in_the_log(api: TwilioApi, peer: ScriptedPeer) -> None:
    peer.answers = [Answer(201, orjson.dumps({"sid": SID, "status": "queued", "queue_time": "2500"}))]
    with capture_logs() as logs:
        assert await place(api) == SID
    assert [(line["event"], line["call_id"], line["queue_ms"]) for line in logs] == [
        ("call_placed", SID, "2500")
    ]


def status_of(leg: Leg | None) -> CallStatus | None:
    """Read a leg's status."""
    return leg.status if leg else None


async def test_a_queued_call_is_canceled(sandboxed: TwilioApi, sandbox: Sandbox) -> None:
    call_sid = await place(sandboxed)
    assert sandbox.twilio.legs[call_sid].status is CallStatus.QUEUED
    assert status_of(await sandboxed.hang_up(call_sid)) is CallStatus.CANCELED
    assert sandbox.twilio.legs[call_sid].status is CallStatus.CANCELED


async def test_a_ringing_call_is_canceled(sandboxed: TwilioApi, sandbox: Sandbox) -> None:
    leg = sandbox.twilio.legs[await place(sandboxed, "+14155550105")]  # nobody answers
    await sandbox.world.watch.until(lambda: leg.status is CallStatus.RINGING)
    assert status_of(await sandboxed.hang_up(leg.sid)) is CallStatus.CANCELED


async def test_a_call_that_is_talked_on_is_completed(api: TwilioApi, peer: ScriptedPeer) -> None:
    peer.answers = [updated("in-progress"), updated("completed")]
    assert status_of(await api.hang_up(SID)) is CallStatus.COMPLETED
    assert [parse_qs(request.body.decode()) for request in peer.received] == [
        {"Status": ["canceled"]},
        {"Status": ["completed"]},
    ]


async def test_of_a_call_that_has_ended_twilio_says_how_and_when(sandboxed: TwilioApi) -> None:
    call_sid = await place(sandboxed)
    await sandboxed.hang_up(call_sid)
    leg = await sandboxed.hang_up(call_sid)
    assert leg
    assert leg.status is CallStatus.CANCELED
    assert leg.ended_at == pytest.approx(time.time(), abs=5)


async def test_a_call_that_twilio_does_not_know_counts_as_hung_up(sandboxed: TwilioApi) -> None:
    assert await sandboxed.hang_up(SID) is None


@pytest.mark.parametrize("answer", [problem(20404, 404), problem(21220, 400)])
async def test_so_it_does_when_twilio_says_it_in_newer_words(
    api: TwilioApi, peer: ScriptedPeer, answer: Answer
) -> None:
    peer.answers = [answer]
    assert await api.hang_up(SID) is None


@pytest.mark.parametrize(
    "answer",
    [
        refusal(20003, 401),
        Answer(503),
        problem(20503, 503),
        Answer(drop=True),
        Answer(silent=True),
        Answer(200, b"<html>"),
        updated("something new"),
    ],
)
async def test_a_hang_up_that_fails_says_so(
    api: TwilioApi, hasty: TwilioApi, peer: ScriptedPeer, answer: Answer
) -> None:
    peer.answers = [answer]
    chosen = hasty if answer.silent else api
    with pytest.raises(TwilioError):
        await chosen.hang_up(SID)
    assert chosen.health.status == "failed"


async def test_what_became_of_a_call_is_told(sandboxed: TwilioApi) -> None:
    call_sid = await place(sandboxed)
    assert await sandboxed.leg(call_sid) == Leg(CallStatus.QUEUED, None)
    await sandboxed.hang_up(call_sid)
    assert status_of(await sandboxed.leg(call_sid)) is CallStatus.CANCELED
    with pytest.raises(TwilioError):
        await sandboxed.leg(SID)
