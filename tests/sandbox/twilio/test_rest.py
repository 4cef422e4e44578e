"""Twilio's REST, used by Twilio's own client and judged by Twilio's own OpenAPI document."""

import asyncio
from typing import Any

import jsonschema
import pytest
from aiohttp import ClientSession, encode_basic_auth
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from sandbox.app import Sandbox
from tests.sandbox import openapi
from tests.sandbox.twilio_rest import OWN, Rest, form
from tests.sandbox.voice_server import VoiceServer


async def test_a_created_call_is_what_twilios_document_says(
    rest: Rest, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    status, call = await rest.post("Calls.json", **form(voice_server, "+14155550106", TimeLimit="600"))
    assert (status, call["status"], call["direction"]) == (201, "queued", "outbound-api")
    openapi.check_answer(openapi.CALLS, "post", 201, call)
    openapi.check_form(openapi.CALLS, sandbox.twilio.received[0].form.items())
    await sandbox.world.watch.until(lambda: sandbox.twilio.legs[call["sid"]].status == "in-progress")
    status, shown = await rest.get(f"Calls/{call['sid']}.json")
    assert (status, shown["status"]) == (200, "in-progress")
    openapi.check_answer(openapi.CALL, "get", 200, shown)
    status, ended = await rest.post(f"Calls/{call['sid']}.json", Status="completed")
    assert (status, ended["status"]) == (200, "completed")
    openapi.check_answer(openapi.CALL, "post", 200, ended)
    openapi.check_form(openapi.CALL, sandbox.twilio.received[-1].form.items())


def test_the_judge_of_forms_sees_what_is_not_documented() -> None:
    with pytest.raises(jsonschema.ValidationError):
        openapi.check_form(openapi.CALLS, [("To", OWN), ("From", OWN), ("Tiemout", "30")])


async def test_twilios_own_client_places_and_ends_a_call(
    sandbox: Sandbox, voice_server: VoiceServer, twilio_client: Client
) -> None:
    client = twilio_client
    call = await _in_thread(
        lambda: client.calls.create(to="+14155550106", from_=OWN, url=f"{voice_server.url}/voice/twiml")
    )
    await sandbox.world.watch.until(lambda: sandbox.twilio.legs[call.sid].status == "in-progress")
    ended = await _in_thread(lambda: client.calls(call.sid).update(status="completed"))
    assert (ended.status, ended.duration) == ("completed", "1")
    with pytest.raises(TwilioRestException) as refused:
        await _in_thread(lambda: client.calls(call.sid).update(status="completed"))
    assert (refused.value.status, refused.value.code) == (400, 21220)
    with pytest.raises(TwilioRestException) as refused:
        await _in_thread(lambda: client.calls("CA" + "0" * 32).fetch())
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def _in_thread(work: Any) -> Any:
    """Do what blocks, without blocking the sandbox that is to answer."""
    return await asyncio.to_thread(work)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21201),
        ({"From": ""}, 21213),
        ({"To": "555-0123"}, 21211),
        ({"To": "+1415555012٣"}, 21211),
        ({"From": "Alice"}, 21212),
        ({"From": "+14155550199"}, 21210),
        ({"Url": ""}, 21205),
        ({"Url": "ftp://x"}, 21205),
        ({"Method": "PUT"}, 21206),
        ({"StatusCallback": "http://under_score/"}, 21609),
        ({"StatusCallbackEvent": ["initiated", "hung-up"]}, 21626),
        ({"Timeout": "soon"}, 20001),
        ({"TimeLimit": "0"}, 20001),
    ],
)
async def test_a_call_that_twilio_would_not_place_is_refused_with_its_code(
    rest: Rest, sandbox: Sandbox, voice_server: VoiceServer, change: dict[str, Any], code: int
) -> None:
    status, error = await rest.post("Calls.json", **form(voice_server, "+14155550123") | change)
    assert (status, error["status"], error["code"]) == (400, 400, code)
    assert error["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert not sandbox.twilio.legs


async def test_a_status_that_cannot_be_wished_for_is_refused(rest: Rest, voice_server: VoiceServer) -> None:
    _, call = await rest.post("Calls.json", **form(voice_server, "+14155550105"))
    assert (await rest.post(f"Calls/{call['sid']}.json", Status="ringing"))[0] == 400


async def test_credentials_and_account_must_be_ours(sandbox: Sandbox) -> None:
    settings = sandbox.world.settings
    url = f"{sandbox.url}/2010-04-01/Accounts/{settings.twilio_account_sid}"
    good = encode_basic_auth(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    bad = encode_basic_auth(settings.twilio_account_sid, "wrong")
    async with ClientSession() as http:
        for headers, target, expected in (
            ({}, f"{url}/Calls.json", (401, 20003)),
            ({"Authorization": bad}, f"{url}/Calls.json", (401, 20003)),
            ({"Authorization": good}, f"{sandbox.url}/2010-04-01/Accounts/AC0/Calls.json", (404, 20404)),
            ({"Authorization": good, "Content-Type": "application/json"}, f"{url}/Calls.json", (415, 20415)),
        ):
            async with http.post(target, headers=headers) as response:
                assert (response.status, (await response.json())["code"]) == expected


async def test_calls_are_listed_newest_first_and_by_what_is_asked(
    rest: Rest, voice_server: VoiceServer
) -> None:
    for to in ("+14155550104", "+14155550105"):
        await rest.post("Calls.json", **form(voice_server, to))
    _, page = await rest.get("Calls.json")
    assert [call["to"] for call in page["calls"]] == ["+14155550105", "+14155550104"]
    _, page = await rest.get("Calls.json", To="+14155550104", Status="queued")
    assert [call["to"] for call in page["calls"]] == ["+14155550104"]
    assert (await rest.get("Calls.json", ParentCallSid="CA0"))[1]["calls"] == []


async def test_a_call_canceled_while_queued_is_over_and_nobody_is_told(
    rest: Rest, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    _, call = await rest.post(
        "Calls.json", **form(voice_server, "+14155550123", StatusCallbackEvent="completed")
    )
    _, ended = await rest.post(f"Calls/{call['sid']}.json", Status="canceled")
    assert ended["status"] == "canceled"
    later = sandbox.phone_in(script="greeting", via="number")
    await sandbox.world.watch.until(lambda: bool(voice_server.events))
    assert [form["CallSid"] for form in voice_server.events] == [later.id]


async def test_a_ringing_call_is_canceled_and_the_callback_says_so(
    rest: Rest, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    _, call = await rest.post("Calls.json", **form(voice_server, "+14155550105"))
    await sandbox.world.watch.until(lambda: sandbox.twilio.legs[call["sid"]].status == "ringing")
    _, ended = await rest.post(f"Calls/{call['sid']}.json", Status="canceled")
    assert ended["status"] == "canceled"
    await sandbox.world.watch.until(lambda: len(voice_server.events) == 3)
    assert [form["CallStatus"] for form in voice_server.events] == ["initiated", "ringing", "canceled"]


async def test_canceling_a_call_in_progress_changes_nothing(
    rest: Rest, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    _, call = await rest.post("Calls.json", **form(voice_server, "+14155550106"))
    await sandbox.world.watch.until(lambda: sandbox.twilio.legs[call["sid"]].status == "in-progress")
    _, shown = await rest.post(f"Calls/{call['sid']}.json", Status="canceled")
    assert shown["status"] == "in-progress"


async def test_a_call_in_progress_follows_other_twiml(
    rest: Rest, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    _, call = await rest.post("Calls.json", **form(voice_server, "+14155550106"))
    await sandbox.world.watch.until(lambda: bool(voice_server.frames))
    await rest.post(f"Calls/{call['sid']}.json", Twiml="<Response><Say>Bye.</Say><Hangup/></Response>")
    over = await sandbox.call_over(call["sid"])
    assert over.leg is not None
    assert over.leg.status == "completed"
    assert over.realtime is not None
    assert over.realtime.cause == "line_ended"
