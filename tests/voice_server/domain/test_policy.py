from typing import Any

import pytest

from services.voice_server.domain.policy import DestinationRefusedError, Policy, TooManyCallsError, Trust

OWN, OWNER, GUEST, STRANGER = "+14155550100", "+4915112345678", "+14155550123", "+12125550177"
PREMIUM, TOLL_FREE, JAMAICA, SATELLITE = "+19005550123", "+18005550123", "+18765550123", "+881612345678"


def policy(**changes: Any) -> Policy:
    """Make the rules of an owner in Germany with a number in the United States."""
    values: dict[str, Any] = {
        "own_number": OWN,
        "owners": frozenset({OWNER}),
        "allowed_callers": frozenset({GUEST}),
        "outbound_regions": frozenset({"US"}),
        "max_concurrent_calls": 2,
        "max_calls_per_hour": 3,
    }
    return Policy(**values | changes)


ANYBODY = frozenset({"*"})


@pytest.mark.parametrize(
    ("caller", "trust", "admitted", "admitted_if_all_are"),
    [
        (OWNER, Trust.OWNER, True, True),
        (GUEST, Trust.GUEST, True, True),
        (STRANGER, Trust.GUEST, False, True),
        (None, Trust.GUEST, False, True),
        ("*", Trust.GUEST, False, True),
        (OWNER[:-1], Trust.GUEST, False, True),
        (OWNER + "0", Trust.GUEST, False, True),
    ],
)
def test_who_may_call_in_and_what_they_may_do(
    caller: str | None, trust: Trust, admitted: bool, admitted_if_all_are: bool
) -> None:
    for rules, may in ((policy(), admitted), (policy(allowed_callers=ANYBODY), admitted_if_all_are)):
        assert rules.trust(caller) is trust
        assert rules.admits(caller) is may


def test_nobody_is_an_owner_by_withholding_their_number() -> None:
    rules = policy(owners=frozenset(), allowed_callers=frozenset())
    assert (rules.trust(None), rules.admits(None)) == (Trust.GUEST, False)
    assert policy(owners=ANYBODY).trust(STRANGER) is Trust.GUEST


@pytest.mark.parametrize("number", [GUEST, STRANGER, OWNER])
def test_ordinary_numbers_of_the_regions_and_owners_anywhere_may_be_dialled(number: str) -> None:
    policy().check_destination(number)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (OWN, "TWILIO_PHONE_NUMBER"),
        (PREMIUM, "landline and mobile"),
        (TOLL_FREE, "landline and mobile"),
        (JAMAICA, "Numbers of JM .* only of US; set OUTBOUND_REGIONS"),
        (SATELLITE, "Numbers of no region"),
        ("+4930123456", "Numbers of DE"),
    ],
)
def test_a_number_that_may_not_be_dialled_is_refused_with_the_rule(number: str, reason: str) -> None:
    with pytest.raises(DestinationRefusedError, match=reason):
        policy().check_destination(number)


def test_not_even_an_owner_makes_the_agent_call_itself() -> None:
    with pytest.raises(DestinationRefusedError):
        policy(owners=frozenset({OWN})).check_destination(OWN)


def test_an_owners_number_may_be_dialled_whatever_it_costs() -> None:
    policy(owners=frozenset({PREMIUM}), outbound_regions=frozenset()).check_destination(PREMIUM)


def test_the_last_line_may_be_taken_and_no_further_one() -> None:
    policy().check_load(1)
    with pytest.raises(TooManyCallsError, match="MAX_CONCURRENT_CALLS") as caught:
        policy().check_load(2)
    assert caught.value.retry_after_seconds == 30


def test_dialling_is_limited_by_the_hour() -> None:
    policy().check_rate(2)
    with pytest.raises(TooManyCallsError, match="MAX_CALLS_PER_HOUR") as caught:
        policy().check_rate(3)
    assert caught.value.retry_after_seconds == 600
