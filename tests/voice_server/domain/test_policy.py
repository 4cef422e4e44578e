from typing import Any

import pytest

from services.voice_server.domain.policy import (
    Calls,
    DestinationRefusedError,
    PhoneOffError,
    Policy,
    TooManyCallsError,
    Trust,
)

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
    }
    return Policy(**values | changes)


def dial(number: str, caller_id: str = OWN, **changes: Any) -> None:
    policy(**changes).check_destination(number, caller_id)


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
        (OWN, Trust.GUEST, False, False),
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


def test_our_own_number_calls_nobody_not_even_where_it_is_an_owners() -> None:
    assert not policy(owners=frozenset({OWN}), allowed_callers=ANYBODY).admits(OWN)


@pytest.mark.parametrize("caller", [OWNER, GUEST, STRANGER, None])
def test_through_a_trunk_that_is_not_trusted_nobody_is_an_owner(caller: str | None) -> None:
    assert policy().caller_through_trunk(caller) == caller
    doubted = policy(trust_trunk_callers=False).caller_through_trunk(caller)
    assert doubted == (None if caller == OWNER else caller)


@pytest.mark.parametrize("calls", Calls)
def test_the_phone_can_be_closed_for_one_direction_or_both(calls: Calls) -> None:
    assert policy(calls=calls, allowed_callers=ANYBODY).admits(OWNER) is (calls is not Calls.OFF)
    if calls is Calls.ON:
        dial(GUEST, calls=calls)
        return
    with pytest.raises(PhoneOffError, match=f"CALLS={calls}. Set CALLS=on"):
        dial(OWNER, calls=calls)


@pytest.mark.parametrize("number", [GUEST, STRANGER, OWNER])
def test_ordinary_numbers_of_the_regions_and_owners_anywhere_may_be_dialled(number: str) -> None:
    dial(number)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (OWN, "TWILIO_PHONE_NUMBER"),
        (PREMIUM, "landline and mobile .* OUTBOUND_NUMBERS"),
        (TOLL_FREE, "landline and mobile"),
        ("+15005550123", "landline and mobile"),  # a personal number
        (JAMAICA, "Numbers of JM .* only of US; set OUTBOUND_REGIONS .* OUTBOUND_NUMBERS"),
        ("+16492315123", "Numbers of TC"),
        (SATELLITE, "Numbers of no region"),
        ("+870773111632", "Numbers of no region"),
        ("+19116666666", "Numbers of no region"),  # an emergency call, had it no prefix
        (
            "+447700900123",
            "Numbers of no region .* OUTBOUND_NUMBERS",
        ),  # not assigned to anybody, as a new range is
        ("+4930123456", "Numbers of DE"),
    ],
)
def test_a_number_that_may_not_be_dialled_is_refused_with_the_rule(number: str, reason: str) -> None:
    with pytest.raises(DestinationRefusedError, match=reason):
        dial(number)


@pytest.mark.parametrize("number", [PREMIUM, TOLL_FREE, JAMAICA, SATELLITE, "+447700900123"])
def test_a_number_that_is_listed_may_be_dialled_whatever_it_costs(number: str) -> None:
    dial(number, outbound_numbers=frozenset({number}))
    dial(number, owners=frozenset({number}), outbound_regions=frozenset())


def test_not_even_a_list_makes_the_agent_call_itself() -> None:
    with pytest.raises(DestinationRefusedError):
        dial(OWN, owners=frozenset({OWN}), outbound_numbers=frozenset({OWN}))
    with pytest.raises(DestinationRefusedError, match="from itself"):
        dial(GUEST, caller_id=GUEST, outbound_numbers=frozenset({GUEST}))


def test_the_last_line_may_be_taken_and_no_further_one() -> None:
    policy().check_load(1)
    with pytest.raises(TooManyCallsError, match="MAX_CONCURRENT_CALLS") as caught:
        policy().check_load(2)
    assert caught.value.retry_after_seconds == 30
