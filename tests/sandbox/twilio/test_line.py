"""The telephone network: what a voice server sees of outgoing and incoming calls."""

import json
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from sandbox import scripts
from sandbox.app import Sandbox
from sandbox.twilio.legs import Leg
from tests.sandbox.voice_server import VoiceServer

ALL = frozenset({"initiated", "ringing", "answered", "completed"})


def _dial(sandbox: Sandbox, voice_server: VoiceServer, to: str, **fields: Any) -> Leg:
    leg = Leg(
        account_sid=sandbox.world.settings.twilio_account_sid,
        to=to,
        from_=sandbox.world.settings.twilio_phone_number,
        direction="outbound-api",
        script=scripts.for_number(to),
        **{
            "url": f"{voice_server.url}/voice/twiml?call=a%2Fb",
            "status_callback": f"{voice_server.url}/webhook?call=a%2Fb",
            "events": ALL,
        }
        | fields,
    )
    sandbox.twilio.line.dial_out(leg)
    return leg


async def _told(sandbox: Sandbox, voice_server: VoiceServer, leg: Leg) -> list[str]:
    """The statuses the callbacks told, once the call is over."""
    await sandbox.call_over(leg.sid)
    await sandbox.world.watch.until(lambda: any("CallDuration" in form for form in voice_server.events))
    return [form["CallStatus"] for form in voice_server.events]


async def test_an_outbound_call_runs_from_queued_to_completed(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    leg = _dial(sandbox, voice_server, "+14155550123")
    assert await _told(sandbox, voice_server, leg) == ["initiated", "ringing", "in-progress", "completed"]
    assert [str(status) for status in leg.statuses] == ["queued", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in voice_server.events] == ["0", "1", "2", "3"]
    last = voice_server.events[-1]
    assert (last["CallDuration"], last["Duration"], last["SipResponseCode"]) == ("1", "1", "200")
    assert last["Timestamp"].endswith("+0000")
    assert [frame["type"] for frame in voice_server.frames].count("response.created") == 5


async def test_twilios_validator_trusts_every_form(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    await _told(sandbox, voice_server, _dial(sandbox, voice_server, "+14155550101"))
    validator = RequestValidator(sandbox.service_environment()["TWILIO_AUTH_TOKEN"])
    assert len(voice_server.forms) == 5
    for url, form, signature in voice_server.forms:
        assert validator.validate(url, form, signature)
        assert not validator.validate(url, form | {"CallStatus": "x"}, signature)
        assert "?call=a%2Fb" in url


async def test_the_child_leg_and_the_query_of_the_address_reach_openai(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    leg = _dial(sandbox, voice_server, "+14155550101")
    await sandbox.call_over(leg.sid)
    ((_, body),) = voice_server.webhooks
    headers = [(one["name"], one["value"]) for one in json.loads(body)["data"]["sip_headers"]]
    (bridge,) = leg.bridges
    assert ("X-Twilio-CallSid", bridge.child.sid) in headers
    assert headers[-2:] == [("X-Openclaw-Call", "out_7f3a"), ("X-B", "2")]
    assert (bridge.child.parent_sid, bridge.child.direction) == (leg.sid, "outbound-dial")
    assert bridge.child.status == "completed"
    assert "sip:+14155550100@" in dict(headers)["From"]


@pytest.mark.parametrize(
    ("number", "status", "sip_code"),
    [("+14155550104", "busy", "486"), ("+14155550105", "no-answer", "487")],
)
async def test_a_person_who_is_not_reached_never_costs_a_twiml(
    sandbox: Sandbox, voice_server: VoiceServer, number: str, status: str, sip_code: str
) -> None:
    leg = _dial(sandbox, voice_server, number, timeout=5.0)
    assert await _told(sandbox, voice_server, leg) == ["initiated", "ringing", status]
    last = voice_server.events[-1]
    assert (last["SipResponseCode"], last["CallDuration"]) == (sip_code, "0")
    assert not [url for url, _, _ in voice_server.forms if "/voice/" in url]


async def test_only_the_events_asked_for_are_told(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    leg = _dial(sandbox, voice_server, "+14155550101", events=frozenset({"completed"}))
    assert await _told(sandbox, voice_server, leg) == ["completed"]
    assert voice_server.events[0]["SequenceNumber"] == "0"


@pytest.mark.parametrize(
    ("twiml", "kind", "status", "code"),
    [
        ("<Response>", "text/xml", 200, 12100),
        ("<Reply/>", "text/xml", 200, 12200),
        ("<Response><Fax/></Response>", "text/xml", 200, 12200),
        ("<Response><Dial>+14155550101</Dial></Response>", "text/xml", 200, 12200),
        ("<Response/>", "text/plain", 200, 12300),
        ("<Response/>", "text/xml", 500, 11200),
        ("<Response><Dial><Sip>x</Sip></Dial></Response>", "text/xml", 200, 13224),
    ],
)
async def test_a_fault_in_the_twiml_fails_the_call_and_shows_in_the_debugger(
    sandbox: Sandbox, voice_server: VoiceServer, twiml: str, kind: str, status: int, code: int
) -> None:
    voice_server.twiml, voice_server.twiml_type, voice_server.twiml_status = twiml, kind, status
    leg = _dial(sandbox, voice_server, "+14155550123")
    assert (await _told(sandbox, voice_server, leg))[-1] == "failed"
    assert [(alert.call_sid, alert.code) for alert in sandbox.twilio.alerts] == [(leg.sid, code)]


async def test_a_service_that_cannot_be_reached_fails_the_call(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    leg = _dial(sandbox, voice_server, "+14155550123", url="http://127.0.0.1:9/")
    assert (await _told(sandbox, voice_server, leg))[-1] == "failed"
    assert sandbox.twilio.alerts[0].code == 11205


@pytest.mark.parametrize(
    "address",
    [
        "sip:proj_Other@sip.api.openai.com;transport=tls",
        "sip:proj_Sandbox0123@sip.api.openai.com",
        "sip:proj_Sandbox0123@example.pstn.twilio.com;transport=tls",
    ],
)
async def test_an_address_openai_does_not_answer_ends_the_dial(
    sandbox: Sandbox, voice_server: VoiceServer, address: str
) -> None:
    voice_server.twiml = f"<Response><Dial><Sip>{address}</Sip></Dial></Response>"
    leg = _dial(sandbox, voice_server, "+14155550123")
    assert (await _told(sandbox, voice_server, leg))[-1] == "completed"
    assert leg.bridges[0].child.status == "failed"
    assert not voice_server.webhooks


async def test_the_action_is_told_how_the_dial_ended_and_says_what_comes_next(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    voice_server.decides = "reject"
    voice_server.twiml = voice_server.twiml.replace("<Dial ", '<Dial action="/voice/after" ', 1)
    leg = _dial(sandbox, voice_server, "+14155550123")
    await sandbox.world.watch.until(lambda: any("/voice/after" in url for url, _, _ in voice_server.forms))
    url, form, _ = next(one for one in voice_server.forms if "/voice/after" in one[0])
    assert url == f"{voice_server.url}/voice/after"
    assert (form["DialCallStatus"], form["DialSipResponseCode"], form["DialBridged"]) == (
        "busy",
        "486",
        "false",
    )
    assert form["DialCallSid"] == leg.bridges[0].child.sid
    voice_server.twiml = "<Response><Hangup/></Response>"
    await sandbox.call_over(leg.sid)


async def test_when_the_person_hangs_up_nothing_more_is_done(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    voice_server.twiml = voice_server.twiml.replace("<Dial ", '<Dial action="/voice/after" ', 1)
    leg = _dial(sandbox, voice_server, "+14155550103")
    assert (await _told(sandbox, voice_server, leg))[-1] == "completed"
    assert not [url for url, _, _ in voice_server.forms if "/voice/after" in url]


async def test_a_call_is_ended_at_its_time_limit(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    leg = _dial(sandbox, voice_server, "+14155550106", time_limit=0.1)
    over = await sandbox.call_over(leg.sid)
    assert leg.status == "completed"
    assert over.realtime is not None
    assert over.realtime.cause == "line_ended"


async def test_a_bridge_is_ended_at_its_own_time_limit(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    voice_server.twiml = voice_server.twiml.replace('timeLimit="600"', 'timeLimit="0.1"')
    leg = _dial(sandbox, voice_server, "+14155550106")
    await sandbox.call_over(leg.sid)
    assert leg.bridges[0].child.status == "completed"


async def test_a_call_into_the_number_is_answered_by_the_dial(
    sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    call = sandbox.phone_in("+15551234567", "greeting", via="number")
    await sandbox.world.watch.until(lambda: len(voice_server.forms) == 2)
    (asked_at, asked, _), (told_at, told, _) = voice_server.forms
    assert (asked_at, told_at) == (f"{voice_server.url}/voice/incoming", f"{voice_server.url}/webhook")
    assert (asked["From"], asked["CallStatus"], asked["Direction"]) == ("+15551234567", "ringing", "inbound")
    assert asked["FromCity"] == ""
    assert (told["CallSid"], told["CallStatus"]) == (call.id, "completed")


@pytest.mark.parametrize(("reason", "status"), [("busy", "busy"), ("rejected", "no-answer")])
async def test_a_call_into_the_number_can_be_rejected(
    sandbox: Sandbox, voice_server: VoiceServer, reason: str, status: str
) -> None:
    voice_server.twiml = f'<Response><Reject reason="{reason}"/></Response>'
    call = await sandbox.call_over(sandbox.phone_in(via="number").id)
    assert call.leg is not None
    assert call.leg.status == status
    assert call.leg.answered is None


@pytest.mark.parametrize("written", ["anonymous", "+266696687"])
async def test_how_a_withheld_number_is_written_is_a_switch(
    sandbox: Sandbox, voice_server: VoiceServer, written: Any
) -> None:
    sandbox.switches.withheld_from = written
    voice_server.twiml = "<Response><Pause/><Say>Sorry.</Say></Response>"
    await sandbox.call_over(sandbox.phone_in("anonymous", via="number").id)
    assert voice_server.forms[0][1]["From"] == written
