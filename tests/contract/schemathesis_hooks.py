"""What schemathesis has to be told to write as our peers do. It loads this module in its own process."""

import re
import time
from typing import Any
from uuid import uuid4

import requests
import schemathesis
from hypothesis import strategies

from sandbox.settings import SandboxSettings
from sandbox.signing import twilio_signature, webhook_signature

NUMBERS = ["+14155550123", "+1 (415) 555-0101", "+14155550104", "+14155550105"]
SANDBOX = SandboxSettings()
FORM = "application/x-www-form-urlencoded"

schemathesis.openapi.format("phone", strategies.sampled_from(NUMBERS))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Call from our own number, name each request anew, and sign in earnest what carries a signature."""
    if re.fullmatch("[ -~]{1,255}", case.headers.get("Idempotency-Key", "")):
        case.headers["Idempotency-Key"] = str(uuid4())  # under a name used before, another call is refused
    if isinstance(case.body, dict) and case.body.get("caller_id") in NUMBERS:
        case.body["caller_id"] = SANDBOX.twilio_phone_number
    if isinstance(case.body, dict) and isinstance(case.body.get("metadata"), dict):
        case.body["metadata"] = with_numbers_of_64_bits(case.body["metadata"])
    if case.meta and "Missing `Authorization`" in str(getattr(case.meta.phase.data, "description", "")):
        for headers in (case.headers, kwargs.get("headers", {})):
            headers.pop("Authorization", None)  # the command line has added it
    if isinstance(case.body, dict) and case.media_type == FORM and "X-Twilio-Signature" in case.headers:
        sign_as_twilio(case)
    elif case.media_type == "application/json" and "webhook-signature" in case.headers:
        sign_as_openai(case)


def with_numbers_of_64_bits(value: Any) -> Any:
    """Leave out the integers that are refused, as a schema cannot say within free JSON."""
    if isinstance(value, dict):
        return {name: with_numbers_of_64_bits(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_numbers_of_64_bits(inner) for inner in value]
    return 0 if isinstance(value, int) and not -(2**63) <= value < 2**64 else value


def sign_as_twilio(case: Any) -> None:
    """Make a form one of text only and of our account, and sign it with the address it goes to."""
    case.body = {name: value if isinstance(value, str) else "1" for name, value in case.body.items()}
    if "AccountSid" in case.body:
        case.body["AccountSid"] = SANDBOX.twilio_account_sid
    url = str(prepared(case).url)
    case.headers["X-Twilio-Signature"] = twilio_signature(SANDBOX.twilio_auth_token, url, case.body.items())


def sign_as_openai(case: Any) -> None:
    """Sign an event over its bytes."""
    body: Any = prepared(case).body or b""
    raw, now = body if isinstance(body, bytes) else body.encode(), int(time.time())
    signature = webhook_signature(SANDBOX.openai_webhook_secret, "wh_1", now, raw)
    case.headers.update({"webhook-id": "wh_1", "webhook-timestamp": str(now), "webhook-signature": signature})


def prepared(case: Any) -> requests.PreparedRequest:
    """Write a request as it will be sent."""
    return requests.Request(**case.as_transport_kwargs()).prepare()
