import pytest

from sandbox import sip
from sandbox.steps import Script


def test_the_query_of_an_address_becomes_headers_in_order() -> None:
    address = sip.parse("sip:proj_A@sip.api.openai.com;transport=tls?X-One=a%20b&X-Two=2&X-One=c")
    assert address.user == "proj_A"
    assert address.uri == "sip:proj_A@sip.api.openai.com;transport=tls"
    assert address.headers == (("X-One", "a b"), ("X-Two", "2"), ("X-One", "c"))


def test_without_a_transport_it_is_udp() -> None:
    assert sip.parse("sip:proj_A@sip.api.openai.com:5060").transport == "udp"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("tel:+14155550100", 13224),
        (f"sip:{'a' * 250}@b.example", 13224),
        ("sip:a@b.example?Subject=x", 13252),
        ("sip:a@b.example?X-Twilio-CallSid=CA1", 13252),
        (f"sip:a@b.example?X-A={'1' * 1024}", 21227),
    ],
)
def test_what_twilio_would_not_dial_is_refused_with_its_code(text: str, code: int) -> None:
    with pytest.raises(sip.InvalidSipAddressError) as refused:
        sip.parse(text)
    assert refused.value.code == code


def test_an_invite_names_the_caller_and_keeps_further_headers() -> None:
    invite = sip.Invite(Script(), "+15551234567", "sip:proj_A@sip.api.openai.com", (("X-A", "1"),))
    headers = {header["name"]: header["value"] for header in invite.as_headers()}
    assert "<sip:+15551234567@pstn.twilio.com>;tag=" in headers["From"]
    assert headers["To"] == "<sip:proj_A@sip.api.openai.com>"
    assert headers["X-A"] == "1"


def test_a_withheld_number_shows_no_number() -> None:
    origin = sip.Invite(Script(), "anonymous", "sip:proj_A@sip.api.openai.com").as_headers()[0]["value"]
    assert origin.startswith('"Anonymous" <sip:anonymous@anonymous.invalid>')
