from dataclasses import replace

import pytest

from services.voice_server.domain.diagnosis import State
from services.voice_server.domain.twilio_setup import (
    Account,
    Number,
    Origination,
    Trunk,
    Wanted,
    judge_account,
    judge_number,
    judge_route,
)

OURS = "+14155550100"
WANTED = Wanted.of("proj_a", "sip.api.openai.com", "https://phone.example.com")
BY_WEBHOOK = Number(
    "PN1", OURS, voice_url=WANTED.voice_url, status_callback="https://phone.example.com/webhook"
)
ON_TRUNK = Number("PN1", OURS, trunk_sid="TK1")


def leading_to(*uris: str, enabled: bool = True) -> Trunk:
    return Trunk("TK1", "phone", tuple(Origination(f"OU{n}", uri, enabled) for n, uri in enumerate(uris)))


def test_calls_are_wanted_at_the_projects_own_address_over_tls_or_at_this_server() -> None:
    assert WANTED.sip_uri == "sip:proj_a@sip.api.openai.com;transport=tls"
    assert WANTED.voice_url == "https://phone.example.com/voice/incoming"


@pytest.mark.parametrize(
    ("account", "state", "words"),
    [
        (Account("active", "Full", 12.5), State.OK, "12.50 USD left"),
        (Account("active", "Full"), State.OK, "active"),
        (Account("suspended", "Full", 12.5), State.BAD, "suspended"),
        (Account("active", "Full", 0.0), State.BAD, "Nothing is left"),
        (Account("active", "Full", -3.1, "EUR"), State.BAD, "-3.10 EUR"),
    ],
)
def test_an_account_that_is_closed_or_empty_calls_nobody(account: Account, state: State, words: str) -> None:
    finding = judge_account(account)
    assert finding.state is state
    assert words in finding.found


def test_what_an_account_will_soon_lack_is_said_though_it_is_well() -> None:
    finding = judge_account(Account("active", "Trial", 1.2))
    assert finding.state is State.OK
    assert "verified numbers only" in finding.next_step
    assert "add funds soon" in finding.next_step


@pytest.mark.parametrize(
    ("number", "words"),
    [(None, "not a number of this account"), (replace(BY_WEBHOOK, has_voice=False), "only messages")],
)
def test_a_number_that_is_not_ours_or_not_for_calls_is_told(number: Number | None, words: str) -> None:
    finding = judge_number(number, OURS)
    assert finding.state is State.BAD
    assert words in finding.found
    assert "TWILIO_PHONE_NUMBER" in finding.next_step


WRONG = [
    (replace(BY_WEBHOOK, voice_url=""), None, "Nobody is asked"),
    (replace(BY_WEBHOOK, voice_url="https://demo.twilio.com/welcome"), None, "demo.twilio.com"),
    (replace(BY_WEBHOOK, voice_method="GET"), None, "by GET"),
    (replace(BY_WEBHOOK, application_sid="AP1"), None, "TwiML application AP1"),
    (ON_TRUNK, None, "not in this account"),
    (ON_TRUNK, leading_to(), "leads nowhere"),
    (ON_TRUNK, leading_to("sip:proj_b@sip.api.openai.com;transport=tls"), "elsewhere: sip:proj_b"),
    (ON_TRUNK, leading_to("sip:proj_a@sip.api.openai.com"), "not over TLS"),
    (ON_TRUNK, leading_to(WANTED.sip_uri, enabled=False), "disabled"),
    (ON_TRUNK, leading_to(WANTED.sip_uri, "sip:me@pbx.example.com"), "some calls go to sip:me@pbx"),
]


@pytest.mark.parametrize(("number", "trunk", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_calls_that_go_anywhere_else_are_told_with_where_to_lead_them(
    number: Number, trunk: Trunk | None, words: str
) -> None:
    finding = judge_route(number, trunk, WANTED)
    assert finding.state is State.BAD
    assert words in finding.found
    assert "make connect" in finding.next_step


@pytest.mark.parametrize(
    ("number", "trunk", "way"),
    [
        (BY_WEBHOOK, None, "webhook"),
        (ON_TRUNK, leading_to(WANTED.sip_uri), "SIP trunk"),
        (replace(BY_WEBHOOK, trunk_sid="TK1"), leading_to(WANTED.sip_uri), "is ignored"),
    ],
)
def test_either_way_is_good(number: Number, trunk: Trunk | None, way: str) -> None:
    finding = judge_route(number, trunk, WANTED)
    assert (finding.state, finding.next_step) == (State.OK, "")
    assert way in finding.found


def test_a_webhook_whose_status_goes_elsewhere_is_good_with_a_remark() -> None:
    finding = judge_route(replace(BY_WEBHOOK, status_callback=""), None, WANTED)
    assert finding.state is State.OK
    assert "/webhook" in finding.next_step
