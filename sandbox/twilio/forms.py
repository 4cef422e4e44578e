"""The forms REST takes, checked with Twilio's own error codes."""

import re
from collections.abc import Collection, Mapping

from multidict import MultiDictProxy

from sandbox import scripts
from sandbox.accounts import Method
from sandbox.twilio.errors import TwilioRefusalError
from sandbox.twilio.legs import Leg
from sandbox.twilio.troubles import EVENTS
from shared.events import CallStatus

Form = MultiDictProxy[str]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_URL = re.compile(r"https?://[^\s/_]+(/\S*)?")


def outbound_leg(form: Form, account_sid: str, own_numbers: Collection[str]) -> Leg:
    """Read the form that creates a call.

    Raises:
        TwilioRefusalError: Twilio would not place this call.
    """
    to, caller_id = _numbers(form, own_numbers)
    url, twiml = form.get("Url"), form.get("Twiml")
    if not (url or twiml):
        raise TwilioRefusalError(400, 21205, "Url parameter is required.")
    if url and not _URL.fullmatch(url):
        raise TwilioRefusalError(400, 21205, f"Url is not a valid URL: {url}")
    method = _method(form, "Method")
    callback = form.get("StatusCallback")
    if callback and not _URL.fullmatch(callback):
        raise TwilioRefusalError(400, 21609, f"Invalid 'StatusCallback' URL parameter: {callback}")
    return Leg(
        account_sid=account_sid,
        to=to,
        from_=caller_id,
        direction="outbound-api",
        script=scripts.for_number(to),
        url=url,
        method=method,
        twiml=twiml,
        status_callback=callback,
        callback_method=_method(form, "StatusCallbackMethod"),
        events=_events(form),
        time_limit=_whole_number(form, "TimeLimit", None, 4 * 3600),
        timeout=_whole_number(form, "Timeout", 60, 600) or 60,
    )


def _numbers(form: Form, own_numbers: Collection[str]) -> tuple[str, str]:
    to, caller_id = form.get("To"), form.get("From")
    if not to:
        raise TwilioRefusalError(400, 21201, "No 'To' number is specified")
    if not caller_id:
        raise TwilioRefusalError(400, 21213, "No 'From' number is specified")
    if not _E164.fullmatch(to):
        raise TwilioRefusalError(
            400, 21211, f"The phone number you are calling, {to}, is not valid. Please use E.164 format."
        )
    if not _E164.fullmatch(caller_id):
        raise TwilioRefusalError(400, 21212, f"The From phone number provided, {caller_id}, is not valid.")
    if caller_id not in own_numbers:
        raise TwilioRefusalError(
            400,
            21210,
            f"The source phone number provided, {caller_id}, is not yet verified for your account."
            " You may only make calls from phone numbers that you've verified or purchased from Twilio.",
        )
    return to, caller_id


def _events(form: Form) -> frozenset[str]:
    events = form.getall("StatusCallbackEvent", ["completed"])
    for event in events:
        if unknown := set(event.split(" ")) - EVENTS:
            raise TwilioRefusalError(400, 21626, f"Invalid StatusCallbackEvent: {', '.join(sorted(unknown))}")
    # The list is repeated keys. Joined by spaces it is taken without complaint; only the first word counts.
    return frozenset(event.split(" ")[0] for event in events)


def _method(form: Form, name: str) -> Method:
    match form.get(name, "POST").upper():
        case "GET":
            return "GET"
        case "POST":
            return "POST"
    raise TwilioRefusalError(400, 21206, f"{name} must be GET or POST.")


def _whole_number(form: Mapping[str, str], name: str, default: int | None, most: int) -> int | None:
    if (text := form.get(name)) is None:
        return default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise TwilioRefusalError(400, 20001, f"{name} must be a whole number from 1 to {most}.")
    return int(text)


def wanted_status(form: Form) -> CallStatus | None:
    """Read the form that changes a call: the status asked for, None when nothing is.

    Raises:
        TwilioRefusalError: there is no such change.
    """
    if not (status := form.get("Status")):
        return None
    if status not in {"canceled", "completed"}:
        raise TwilioRefusalError(400, 21218, f"Status must be 'canceled' or 'completed', not {status!r}.")
    return CallStatus(status)
