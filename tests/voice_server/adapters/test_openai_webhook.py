"""Signatures by the published vectors and by `standardwebhooks`; callers by every form of From we know."""

import base64
import time
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from multidict import CIMultiDict
from standardwebhooks.webhooks import Webhook

from services.voice_server.adapters.openai_webhook import (
    WebhookFormatError,
    WebhookSignatureError,
    caller_of,
    read,
    verify,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret").decode()

PUBLISHED = (
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1614265330,
    b'{"test": 2432232314}',
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
)
OPENAIS = (
    "wh_sim_1",
    1763600001,
    (
        b'{"object":"event","id":"evt_sim_1","type":"realtime.call.incoming","created_at":1763600000,'
        b'"data":{"call_id":"rtc_u0_sim","sip_headers":[]}}'
    ),
    "v1,Yc1znL7qbhb7iWYW4SW5dUG60AGGDp5YHVaS7hglf3c=",
)


def headers(delivery: str, timestamp: int | str, signature: str) -> CIMultiDict[str]:
    return CIMultiDict(
        {"Webhook-Id": delivery, "webhook-timestamp": str(timestamp), "WEBHOOK-SIGNATURE": signature}
    )


@pytest.mark.parametrize("vector", [PUBLISHED, OPENAIS], ids=["published", "of OpenAI"])
def test_the_vectors_verify_and_name_the_delivery(vector: tuple[str, int, bytes, str]) -> None:
    delivery, timestamp, body, signature = vector
    assert verify([SECRET], headers(delivery, timestamp, signature), body, timestamp) == delivery


def test_what_the_standards_own_library_signs_verifies() -> None:
    now = int(time.time())
    signature = Webhook(OTHER_SECRET).sign("wh_1", datetime.fromtimestamp(now, UTC), "{}")
    assert verify([OTHER_SECRET], headers("wh_1", now, signature), b"{}", now) == "wh_1"


@pytest.mark.parametrize("place", range(0, len(PUBLISHED[2]), 5))
def test_one_flipped_byte_is_noticed(place: int) -> None:
    delivery, timestamp, body, signature = PUBLISHED
    forged = bytearray(body)
    forged[place] ^= 1
    with pytest.raises(WebhookSignatureError):
        verify([SECRET], headers(delivery, timestamp, signature), bytes(forged), timestamp)


@pytest.mark.parametrize(("delivery", "timestamp"), [("msg_other", PUBLISHED[1]), (PUBLISHED[0], 1614265331)])
def test_the_id_and_the_time_are_signed_too(delivery: str, timestamp: int) -> None:
    with pytest.raises(WebhookSignatureError):
        verify([SECRET], headers(delivery, timestamp, PUBLISHED[3]), PUBLISHED[2], timestamp)


@pytest.mark.parametrize("age", [-300, -299, 299, 300])
def test_five_minutes_of_difference_between_the_clocks_are_borne(age: int) -> None:
    delivery, timestamp, body, signature = PUBLISHED
    verify([SECRET], headers(delivery, timestamp, signature), body, timestamp + age)


@pytest.mark.parametrize("age", [-86400, -301, 301, 86400])
def test_what_is_older_or_from_the_future_is_refused(age: int) -> None:
    delivery, timestamp, body, signature = PUBLISHED
    with pytest.raises(WebhookSignatureError):
        verify([SECRET], headers(delivery, timestamp, signature), body, timestamp + age)


@pytest.mark.parametrize(
    ("secrets", "signatures"),
    [
        ([OTHER_SECRET, SECRET], PUBLISHED[3]),
        ([SECRET, OTHER_SECRET], PUBLISHED[3]),
        ([SECRET], f"v1,AAAA {PUBLISHED[3]}"),
        ([SECRET], f"{PUBLISHED[3]}  v1,AAAA"),
        ([OTHER_SECRET, SECRET], f"v1a,AAAA v1,{'A' * 43}= {PUBLISHED[3]}"),
    ],
)
def test_while_secrets_are_rotated_any_pair_that_fits_will_do(secrets: list[str], signatures: str) -> None:
    delivery, timestamp, body, _ = PUBLISHED
    assert verify(secrets, headers(delivery, timestamp, signatures), body, timestamp) == delivery


def test_a_signature_of_another_version_does_not_count() -> None:
    delivery, timestamp, body, signature = PUBLISHED
    for version in ("v1a", "v2", "V1", ""):
        given = signature.replace("v1", version)
        with pytest.raises(WebhookSignatureError):
            verify([SECRET], headers(delivery, timestamp, given), body, timestamp)


MALFORMED: dict[str, dict[str, str | None]] = {
    "no id": {"webhook-id": None},
    "no timestamp": {"webhook-timestamp": None},
    "no signature": {"webhook-signature": None},
    "empty signature": {"webhook-signature": ""},
    "empty timestamp": {"webhook-timestamp": ""},
    "timestamp in words": {"webhook-timestamp": "now"},
    "timestamp not whole": {"webhook-timestamp": "1614265330.0"},
    "timestamp not a number": {"webhook-timestamp": "nan"},
    "timestamp beyond floats": {"webhook-timestamp": "9" * 400},
    "timestamp beyond integers": {"webhook-timestamp": "9" * 5000},
    "signature without a comma": {"webhook-signature": "v1"},
    "signature alone": {"webhook-signature": PUBLISHED[3][3:]},
    "signature not ASCII": {"webhook-signature": "v1,é"},
    "signature not base64": {"webhook-signature": "v1,!!!"},
    "signature cut short": {"webhook-signature": PUBLISHED[3][:-2]},
    "signature not UTF-8": {"webhook-signature": b"v1,\xff".decode("utf-8", "surrogateescape")},
    "id not UTF-8": {"webhook-id": b"\xff".decode("utf-8", "surrogateescape")},
}


@pytest.mark.parametrize("changes", MALFORMED.values(), ids=MALFORMED)
def test_every_malformed_header_is_a_bad_signature_and_nothing_else(changes: dict[str, str | None]) -> None:
    delivery, timestamp, body, signature = PUBLISHED
    given = headers(delivery, timestamp, signature)
    for name, value in changes.items():
        del given[name]
        if value is not None:
            given[name] = value
    with pytest.raises(WebhookSignatureError):
        verify([SECRET], given, body, float(timestamp))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_comes_twice_is_a_bad_signature(name: str) -> None:
    delivery, timestamp, body, signature = PUBLISHED
    given = headers(delivery, timestamp, signature)
    given.add(name, given[name])
    with pytest.raises(WebhookSignatureError):
        verify([SECRET], given, body, timestamp)


def test_without_a_secret_nothing_verifies() -> None:
    delivery, timestamp, body, signature = PUBLISHED
    with pytest.raises(WebhookSignatureError):
        verify([], headers(delivery, timestamp, signature), body, timestamp)


def event(**data: Any) -> bytes:
    return orjson.dumps({"object": "event", "id": "evt_1", "type": "realtime.call.incoming", "data": data})


def test_an_offer_is_read_with_its_headers_whatever_their_case_and_with_repeats() -> None:
    offered = [
        {"name": "FROM", "value": '"Alice" <sip:+15551234567@pstn.twilio.com>;tag=1'},
        {"name": "X-Openclaw-Call", "value": "out_7f3a"},
        {"name": "Diversion", "value": "<sip:+18005551212@twilio.com>"},
        {"name": "diversion", "value": "<sip:+18005551213@twilio.com>"},
    ]
    offer = read(event(call_id="rtc_u1_9c65", sip_headers=offered, sip_media_security="srtp"))
    assert offer is not None
    assert (offer.rtc_id, offer.caller) == ("rtc_u1_9c65", "+15551234567")
    assert offer.headers["x-opENclaw-call"] == "out_7f3a"
    assert offer.headers.getall("diversion") == [
        "<sip:+18005551212@twilio.com>",
        "<sip:+18005551213@twilio.com>",
    ]


def test_of_two_from_headers_the_first_counts() -> None:
    offered = [{"name": "From", "value": f"<sip:+1555123456{n}@host>"} for n in range(2)]
    offer = read(event(call_id="rtc_1", sip_headers=offered))
    assert offer is not None
    assert offer.caller == "+15551234560"


@pytest.mark.parametrize(
    ("verdict", "caller"),
    [("TN-Validation-Failed-B", None), ("TN-Validation-Passed-B", "+15551234567"), ("", "+15551234567")],
)
def test_a_number_that_its_carrier_found_forged_is_nobodys(verdict: str, caller: str | None) -> None:
    offered = [
        {"name": "From", "value": "<sip:+15551234567@host>"},
        {"name": "x-twilio-verstat", "value": verdict},
    ]
    offer = read(event(call_id="rtc_1", sip_headers=offered))
    assert offer is not None
    assert offer.caller == caller


@pytest.mark.parametrize("order", [1, -1])
def test_no_second_verdict_hides_that_a_number_was_found_forged(order: int) -> None:
    verdicts = ["TN-Validation-Passed-A", "TN-Validation-Failed-A"][::order]
    offered = [{"name": "X-Twilio-VerStat", "value": verdict} for verdict in verdicts]
    offer = read(
        event(call_id="rtc_1", sip_headers=[{"name": "From", "value": "<sip:+15551234567@host>"}, *offered])
    )
    assert offer is not None
    assert offer.caller is None


def test_a_call_without_a_from_header_comes_from_nobody() -> None:
    offer = read(event(call_id="rtc_1", sip_headers=[]))
    assert offer is not None
    assert offer.caller is None


@pytest.mark.parametrize(
    "body",
    [
        {"type": "live.call.incoming", "data": {"call_id": "live_1", "sip_headers": []}},
        {"type": "live.transport.incoming", "data": {"type": "sip", "session_id": "live_1"}},
        {"type": "response.completed", "data": {"id": "resp_1"}},
        {"type": "something.new"},
        {"type": "something.new", "data": None},
        {"type": "something.new", "data": ["not", "an", "object"]},
        {"type": "something.new", "data": "resp_1"},
    ],
    ids=orjson.dumps,
)
def test_an_event_of_another_type_is_none_of_our_business(body: Any) -> None:
    assert read(orjson.dumps(body)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not JSON",
        b"[" * 5000,
        b"null",
        b"[]",
        b'"realtime.call.incoming"',
        b"{}",
        b'{"type": 7}',
        b'{"type": "realtime.call.incoming"}',
        b'{"type": "realtime.call.incoming", "data": null}',
        event(sip_headers=[]),
        event(call_id="", sip_headers=[]),
        event(call_id=None, sip_headers=[]),
        event(call_id=["rtc_1"], sip_headers=[]),
        event(call_id="rtc_1/../../files", sip_headers=[]),
        event(call_id="rtc_1\n", sip_headers=[]),
        event(call_id="rtc_" + "1" * 200, sip_headers=[]),
        event(call_id="rtc_1", sip_headers={"From": "sip:+15551234567@host"}),
        event(call_id="rtc_1", sip_headers=[{"name": "From"}]),
        event(call_id="rtc_1", sip_headers=[{"name": "From", "value": None}]),
    ],
    ids=lambda body: body[:60].decode("utf-8", "replace"),
)
def test_a_signed_body_that_is_no_event_is_refused_with_one_exception(body: bytes) -> None:
    with pytest.raises(WebhookFormatError):
        read(body)


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ('"Alice Example" <sip:+15551234567@pstn.twilio.com>;tag=87654321_c3356d0b', "+15551234567"),
        ('"+15551234567" <sip:+15551234567@host;user=phone>;tag=x', "+15551234567"),
        ("Alice <sip:+15551234567@host>", "+15551234567"),
        ("sip:+15551234567@sip.example.com", "+15551234567"),
        ("sip:+15551234567@sip.example.com;tag=1", "+15551234567"),
        ("<sip:15551234567@host>", "+15551234567"),
        ("<sips:+15551234567@host:5061;transport=tls>", "+15551234567"),
        ("<SIP:+15551234567@host>", "+15551234567"),
        ("<tel:+15551234567>", "+15551234567"),
        ("tel:+1-555-123-4567;phone-context=example.com", "+15551234567"),
        ("<sip:%2B15551234567@host>", "+15551234567"),
        ("<sip:+1%20555%20123-4567@host>", "+15551234567"),
        ("<sip:+1(555)123.4567@host>", "+15551234567"),
        ("<sip:+15551234567;npdi;rn=+14155550000@host>", "+15551234567"),
        ("<sip:+15551234567:secret@host>", "+15551234567"),
        ('"He said \\"<sip:+14155550123@host>\\"" <sip:+15551234567@host>', "+15551234567"),
        ('"Mallory <sip:+14155550123@host>" <sip:+15551234567@host>', "+15551234567"),
        ('"+14155550123" <sip:anonymous@anonymous.invalid>', None),
        ('"+14155550123" <sip:mallory@host>', None),
        ("+14155550123 <sip:mallory@host>", None),
        ("<sip:anonymous@anonymous.invalid>", None),
        ("<sip:Restricted@host>", None),
        ("<sip:+266696687@pstn.twilio.com>", None),  # ANONYMOUS on a keypad
        ("<sip:+7378742833@pstn.twilio.com>", None),  # RESTRICTED
        ("<sip:unavailable@host>", None),
        ("<sip:proj_AbC123@sip.api.openai.com>", None),
        ("<sip:host>", None),
        ("<sip:14155550123>", None),
        ("<sip:@host>", None),
        ("<sip:+1555123456789012345@host>", None),
        ("<sip:+05551234567@host>", None),
        ("<sip:911@host>", None),
        ("<sip:+1555123456x@host>", None),
        ("<sip:++15551234567@host>", None),
        ("<sip:+15551234567%0A@host>", None),
        ("<sip:%00+15551234567@host>", None),
        ("<sip:+1\uff15\uff15\uff151234567@host>", None),
        ("<mailto:+15551234567@host>", None),
        ("+15551234567", None),
        ('"unterminated <sip:+15551234567@host>', None),
        ("<", None),
        ('"', None),
        ('"\\', None),
        ("", None),
    ],
)
def test_the_caller_is_the_number_in_the_address_or_nobody(address: str, caller: str | None) -> None:
    assert caller_of(address) == caller
