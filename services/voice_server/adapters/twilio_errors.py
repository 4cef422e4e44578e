"""What Twilio's refusals mean: whose fault it is, by Twilio's error codes.

Twilio's own words are never passed on: they hold numbers, addresses and ids.
"""

from collections.abc import Mapping

import structlog
from twilio.base.exceptions import TwilioRestException, TwilioServiceException

from services.voice_server.domain.policy import DestinationRefusedError

log = structlog.get_logger()

REFUSED = (TwilioRestException, TwilioServiceException)
NOT_IN_PROGRESS = 21220


class ImpossibleCallError(Exception):
    """Twilio cannot call that number, or not from that one."""


class TwilioError(Exception):
    """Twilio did not do what it was asked."""


class TwilioMisusedError(TwilioError):
    """Twilio was asked for something that it never does; nothing was placed."""


class TwilioBusyError(TwilioError):
    """Twilio takes no more requests at the moment, and nothing was placed."""

    retry_after_seconds = 5


class TwilioUnreachableError(TwilioError):
    """Twilio cannot be reached, and nothing was placed; try again in a few seconds."""

    retry_after_seconds = 5


class TwilioUncertainError(TwilioError):
    """The call may have been placed: see GET /history, and repeat it with the same Idempotency-Key only."""


_CALLER_ID = {
    21210: "Twilio only calls from numbers that it has verified as yours.",
    21212: "Twilio says that this is not a valid number.",
}
_INVALID = ImpossibleCallError, "to: Twilio says that this is not a valid number."
_REGION = (
    DestinationRefusedError,
    "Twilio's geographic permissions do not allow this region; change them in the Twilio console.",
)
_TRIAL = (
    DestinationRefusedError,
    "A trial account may only call verified numbers; verify it in the Twilio console.",
)
_CREDENTIALS = (
    TwilioError,
    "Twilio does not accept the credentials; check TWILIO_AUTH_TOKEN or TWILIO_API_KEY_SECRET.",
)
_MISUSED = TwilioMisusedError, "Twilio finds a fault in the form of our request; please report it."
_FORM = (13251, 13252, 13253, 21201, 21205, 21206, 21213, 21227, 21609, 21626, 32113)

_MEANINGS: Mapping[int, tuple[type[Exception], str]] = {
    21211: _INVALID,
    21214: (ImpossibleCallError, "to: Twilio cannot reach this number."),
    21217: _INVALID,
    13227: _REGION,
    21215: _REGION,
    32205: _REGION,
    21216: (DestinationRefusedError, "Twilio has blocked this number."),
    21219: _TRIAL,
    573002: _TRIAL,
    573005: (DestinationRefusedError, "A trial account may only call from its own trial number."),
    20003: _CREDENTIALS,
    20404: (TwilioError, "Twilio does not know the account; check TWILIO_ACCOUNT_SID."),
    70051: (TwilioError, "The API key may not place calls; give it more permissions in the Twilio console."),
    **dict.fromkeys(_FORM, _MISUSED),
}
"""Twilio's error code -> what to raise. https://www.twilio.com/docs/api/errors"""

_BY_STATUS: Mapping[int, tuple[type[Exception], str]] = {
    401: _CREDENTIALS,
    429: (TwilioBusyError, "Twilio takes no more requests at the moment; try again in a few seconds."),
}


def refusal(error: TwilioRestException | TwilioServiceException, *, own_number: bool) -> Exception:
    """Say what a refusal to place a call means.

    Args:
        error: what Twilio answered.
        own_number: whether the call was to show TWILIO_PHONE_NUMBER, and not a number of the request.
    """
    code, status = error.code or 0, error.status
    log.warning("twilio_refused", code=code, status=status)
    if status >= 500:
        return TwilioUncertainError(TwilioUncertainError.__doc__)
    if told := _CALLER_ID.get(code):
        if own_number:
            return TwilioMisusedError(f"TWILIO_PHONE_NUMBER: {told}")
        return ImpossibleCallError(f"caller_id: {told}")
    kind, told = (
        _MEANINGS.get(code)
        or _BY_STATUS.get(status)
        or (TwilioError, f"Twilio refused the call (error {code}).")
    )
    return kind(told)
