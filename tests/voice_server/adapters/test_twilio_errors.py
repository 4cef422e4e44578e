"""What each of Twilio's refusals means, as far as whoever asked for the call can see."""

from collections.abc import Callable

import pytest
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from services.voice_server.adapters import twilio_errors
from services.voice_server.adapters.twilio_errors import TwilioError
from services.voice_server.app import STATUSES

RAW = "Raw words of Twilio about +14155550123."

MEANINGS = [
    (401, 20003, 502, "TWILIO_AUTH_TOKEN"),
    (403, 70051, 502, "API key"),
    (404, 20404, 502, "TWILIO_ACCOUNT_SID"),
    (429, 20429, 503, "again"),
    (500, 20500, 502, "may have been placed"),
    (503, 503, 502, "may have been placed"),
    (500, 21211, 502, "may have been placed"),
    (400, 21201, 500, "report"),
    (400, 21205, 500, "report"),
    (400, 21210, 422, "caller_id: "),
    (400, 21211, 422, "to: "),
    (400, 21212, 422, "caller_id: "),
    (400, 21214, 422, "to: "),
    (400, 21215, 403, "geographic permissions"),
    (400, 13227, 403, "geographic permissions"),
    (400, 32205, 403, "geographic permissions"),
    (400, 21216, 403, "blocked"),
    (400, 21217, 422, "to: "),
    (400, 21219, 403, "trial"),
    (400, 573002, 403, "trial"),
    (400, 573005, 403, "trial"),
    (400, 21227, 500, "report"),
    (400, 13251, 500, "report"),
    (400, 13252, 500, "report"),
    (400, 13253, 500, "report"),
    (400, 32113, 500, "report"),
    (400, 21626, 500, "report"),
    (401, 401, 502, "TWILIO_AUTH_TOKEN"),
    (404, 404, 502, "404"),
    (400, 99999, 502, "99999"),
]
"""Status and code of Twilio's, our status, and what our answer tells."""


def old(status: int, code: int) -> TwilioRestException:
    return TwilioRestException(status, "/Calls.json", RAW, code)


def new(status: int, code: int) -> TwilioServiceException:
    """Word a refusal as Twilio's newer services do (RFC 9457)."""
    return TwilioServiceException(type_uri="about:blank", title=RAW, status=status, code=code, detail=RAW)


def status_of(error: Exception) -> int:
    """Look up what is answered."""
    return next(STATUSES[kind][0] for kind in type(error).__mro__ if kind in STATUSES)


@pytest.mark.parametrize("word", [old, new])
@pytest.mark.parametrize(("status", "code", "ours", "told"), MEANINGS)
def test_each_error_of_twilios_is_blamed_on_whose_it_is_and_none_of_its_words_are_passed_on(
    word: Callable[[int, int], TwilioRestException | TwilioServiceException],
    status: int,
    code: int,
    ours: int,
    told: str,
) -> None:
    refusal = twilio_errors.refusal(word(status, code), own_number=False)
    assert (status_of(refusal), told in str(refusal)) == (ours, True)
    assert "Raw words" not in str(refusal)


@pytest.mark.parametrize("code", [21210, 21212])
def test_our_own_number_is_not_the_fault_of_who_asked_for_the_call(code: int) -> None:
    refusal = twilio_errors.refusal(old(400, code), own_number=True)
    assert isinstance(refusal, TwilioError)
    assert (status_of(refusal), "TWILIO_PHONE_NUMBER" in str(refusal)) == (500, True)
