"""Calls go where the accounts say: each thing that is set up wrongly is seen by what becomes of a call."""

from typing import Any

import pytest
from aiohttp import ClientSession

from sandbox.app import Sandbox
from sandbox.exchange import Via
from sandbox.routing import NowhereError
from tests.sandbox.twilio_rest import Rest, form
from tests.sandbox.voice_server import VoiceServer

_OFF_TRUNK: dict[str, Any] = {"trunk_sid": None}


async def _change(sandbox: Sandbox, **changes: Any) -> None:
    async with (
        ClientSession() as http,
        http.patch(f"{sandbox.url}/sandbox/accounts", json=changes) as response,
    ):
        assert response.status == 200


def _led(**origination: Any) -> dict[str, Any]:
    return {"trunks": [{"originations": [origination]}]}


async def test_at_first_a_call_goes_through_the_trunk(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    call = await sandbox.call_over(sandbox.phone_in(script="greeting").id)
    assert call.through_trunk
    assert voice_server.forms == []


async def test_off_the_trunk_the_number_asks_its_webhook(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    await _change(sandbox, numbers=[_OFF_TRUNK])
    call = await sandbox.call_over(sandbox.phone_in(script="greeting").id)
    assert call.leg
    assert call.realtime
    assert call.realtime.session is not None
    await sandbox.world.watch.until(lambda: bool(voice_server.events))
    assert voice_server.forms[0][0] == f"{voice_server.url}/voice/incoming"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account_status": "suspended"}, "not active"),
        ({"balance": 0}, "nothing is left"),
        ({"numbers": []}, "not a number of"),
        ({"numbers": [{"phone_number": "+14155550177"}]}, "not a number of"),
        ({"numbers": [{"voice": False}]}, "takes no calls"),
        ({"trunks": []}, "not in Twilio's account"),
        ({"numbers": [{"trunk_sid": "TK" + "9" * 32}]}, "not in Twilio's account"),
        ({"trunks": [{"originations": []}]}, "no origination URL"),
        ({"trunks": [{"originations": [], "domain_name": "openai.pstn.twilio.com"}]}, "no origination URL"),
        (_led(enabled=False), "no origination URL"),
        (_led(sip_url="sip:proj_Other@sip.api.openai.com;transport=tls"), "proj_Other"),
        (_led(sip_url="sip:{project_id}@sip.api.openai.com"), "OpenAI does not answer"),
        (_led(sip_url="sip:{project_id}@pbx.example;transport=tls"), "pbx.example"),
        (_led(sip_url="sip:"), "no SIP URI|not a SIP URI"),
        ({"numbers": [_OFF_TRUNK | {"voice_application_sid": "AP" + "1" * 32}]}, "its application"),
        ({"numbers": [_OFF_TRUNK | {"voice_url": ""}]}, "asks nobody"),
        ({"numbers": [_OFF_TRUNK | {"voice_url": "https://demo.twilio.com/welcome/voice/"}]}, "demo.twilio"),
    ],
)
async def test_a_call_gets_nowhere_where_something_is_set_up_wrongly(
    sandbox: Sandbox, voice_server: VoiceServer, changes: dict[str, Any], reason: str
) -> None:
    await _change(sandbox, **changes)
    with pytest.raises(NowhereError, match=reason):
        sandbox.phone_in()
    assert (voice_server.webhooks, voice_server.forms) == ([], [])


@pytest.mark.parametrize("via", ["trunk", "number"])
async def test_the_two_ways_are_there_however_the_number_is_set_up(
    sandbox: Sandbox, voice_server: VoiceServer, via: Via
) -> None:
    await _change(sandbox, numbers=[], trunks=[])
    call = await sandbox.call_over(sandbox.phone_in(script="greeting", via=via).id)
    assert call.realtime
    assert call.realtime.session is not None


async def test_the_origination_url_of_the_lowest_priority_is_asked(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    elsewhere = {"sip_url": "sip:pbx@pbx.example", "priority": 20}
    await _change(sandbox, trunks=[{"originations": [elsewhere, {}]}])
    assert sandbox.phone_in(script="greeting").through_trunk


async def test_a_webhook_that_is_asked_by_get_gets_no_form(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _change(sandbox, numbers=[_OFF_TRUNK | {"voice_method": "GET"}])
    call = await sandbox.call_over(sandbox.phone_in().id)
    assert call.leg
    assert (call.leg.status, sandbox.twilio.alerts[-1].code) == ("failed", 11200)
    (posted, *_) = sandbox.twilio.callbacks.posted
    assert (posted.status, f"CallSid={call.leg.sid}" in posted.url) == (405, True)


async def test_a_webhook_of_another_path_is_not_found(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    await _change(sandbox, numbers=[_OFF_TRUNK | {"voice_url": "{public_url}/incoming"}])
    call = await sandbox.call_over(sandbox.phone_in().id)
    assert call.leg
    assert (call.leg.status, sandbox.twilio.alerts[-1].code) == ("failed", 11200)


async def test_a_number_without_a_status_callback_tells_nobody(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _change(sandbox, numbers=[_OFF_TRUNK | {"status_callback": "https://elsewhere.example/webhook"}])
    call = await sandbox.call_over(sandbox.phone_in(script="greeting").id)
    assert call.leg
    assert {posted.url for posted in sandbox.twilio.callbacks.posted} == {
        f"{voice_server.url}/voice/incoming"
    }


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"countries_off": ["GB", "US"]}, 400, 21215),
        ({"balance": 0}, 403, 20003),
        ({"account_status": "suspended"}, 401, 20003),
        ({"account_type": "Trial"}, 400, 573002),
        ({"numbers": []}, 400, 21210),
        ({"numbers": [{"voice": False}]}, 400, 21210),
    ],
)
async def test_the_account_keeps_a_call_from_being_placed(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, changes: dict[str, Any], status: int, code: int
) -> None:
    await _change(sandbox, **changes)
    answered, refused = await rest.post("Calls.json", **form(voice_server, "+14155550123"))
    assert (answered, refused["code"]) == (status, code)
    assert sandbox.twilio.legs == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"countries_off": ["GB"]},
        {"balance": 0.1},
        {"account_type": "Trial", "verified_numbers": ["+14155550123"]},
    ],
)
async def test_what_does_not_concern_a_call_does_not_keep_it_from_being_placed(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, changes: dict[str, Any]
) -> None:
    await _change(sandbox, **changes)
    assert (await rest.post("Calls.json", **form(voice_server, "+14155550123")))[0] == 201
