"""Twilio's documented vector, and the TwiML it gets, read back by an XML parser and by the sandbox."""

from xml.etree import ElementTree as ET

import pytest
from multidict import MultiDict

from sandbox import sip
from services.voice_server.adapters import twilio_webhook
from services.voice_server.adapters.twilio_webhook import (
    TOKEN_HEADER,
    TwilioSignatureError,
    bridge_twiml,
    signal_of,
    verify,
)
from services.voice_server.domain import signals as s
from shared.events import CallStatus

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}


def test_the_documented_vector_is_genuine() -> None:
    verify(TOKEN, URL, MultiDict(FORM), SIGNATURE)


@pytest.mark.parametrize(
    "form",
    [
        FORM | {"Digits": "1235"},
        FORM | {"Digits": ""},
        FORM | {"Added": ""},
        {name: value for name, value in FORM.items() if name != "Digits"},
        {name.lower(): value for name, value in FORM.items()},
        {},
    ],
)
def test_a_changed_form_is_noticed(form: dict[str, str]) -> None:
    with pytest.raises(TwilioSignatureError):
        verify(TOKEN, URL, MultiDict(form), SIGNATURE)


@pytest.mark.parametrize(
    "url",
    [
        "http://mycompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php?bar=2&foo=1",
        "https://mycompany.com/myapp.php/?foo=1&bar=2",
        "https://yourcompany.com/myapp.php?foo=1&bar=2",
        "https://mycompany.com/myapp.php?foo=1&bar=2#rc=2",
        "",
    ],
)
def test_another_url_is_noticed(url: str) -> None:
    with pytest.raises(TwilioSignatureError):
        verify(TOKEN, url, MultiDict(FORM), SIGNATURE)


@pytest.mark.parametrize(
    "signature", ["", "x", "é", "\x00", "RSOYDt4T1cUTdK1PDd93/VVr8B8", SIGNATURE.lower()]
)
def test_every_other_signature_is_refused_with_one_exception(signature: str) -> None:
    with pytest.raises(TwilioSignatureError):
        verify(TOKEN, URL, MultiDict(FORM), signature)
    with pytest.raises(TwilioSignatureError):
        verify(TOKEN, URL + "&bodySHA256=00", MultiDict(), signature)


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        ("initiated", None),
        ("queued", None),
        ("ringing", s.LegRang()),
        ("in-progress", s.LegAnswered()),
        ("completed", s.LegEnded(CallStatus.COMPLETED)),
        ("busy", s.LegEnded(CallStatus.BUSY)),
        ("no-answer", s.LegEnded(CallStatus.NO_ANSWER)),
        ("failed", s.LegEnded(CallStatus.FAILED)),
        ("canceled", s.LegEnded(CallStatus.CANCELED)),
        ("something new", None),
        ("", None),
    ],
)
def test_each_status_is_a_signal_or_nothing(status: str, signal: s.Signal | None) -> None:
    assert signal_of(status) == signal


def test_the_bridge_is_exactly_what_twilio_needs() -> None:
    document = bridge_twiml(
        "proj_AbC123",
        "sip.api.openai.com",
        token="7f3a",
        caller_id="+14155550100",
        time_limit_seconds=1800,
    )
    assert document == (
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
        '<Dial answerOnBridge="true" callerId="+14155550100" timeLimit="1800">'
        "<Sip>sip:proj_AbC123@sip.api.openai.com;transport=tls?X-Openclaw-Call=7f3a</Sip>"
        "</Dial></Response>"
    )


def test_nothing_in_the_bridge_can_break_out_of_its_place() -> None:
    hostile = '"/><Say>&amp;</Say><x a="'
    document = bridge_twiml("proj_1", "host", token="a&b<c>?;\"'", caller_id=hostile, time_limit_seconds=1)
    dial = ET.fromstring(document)[0]
    assert [element.tag for element in ET.fromstring(document).iter()] == ["Response", "Dial", "Sip"]
    assert dial.get("callerId") == hostile
    address = sip.parse(str(dial[0].text))
    assert address.headers == ((TOKEN_HEADER, "a&b<c>?;\"'"),)
    assert address.transport == "tls"


def test_a_call_is_ended_or_turned_away_in_one_verb() -> None:
    assert "<Response><Hangup /></Response>" in twilio_webhook.hang_up_twiml()
    assert '<Response><Reject reason="busy" /></Response>' in twilio_webhook.reject_twiml("busy")
