"""OpenAI's webhooks: is it really OpenAI, and who is calling?

Signatures follow Standard Webhooks v1. Everything in `sip_headers` was written by whoever sent the INVITE: it
is data, to be parsed strictly and trusted only where it holds a secret of ours.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

import orjson
from multidict import CIMultiDict, MultiMapping
from pydantic import BaseModel, Field, ValidationError

from shared import phone

TOLERANCE_SECONDS = 300
_OFFER = "realtime.call.incoming"
_VERDICT = "X-Twilio-VerStat"


class WebhookSignatureError(Exception):
    """The webhook is not signed with OPENAI_WEBHOOK_SECRET, or its time is off by more than five minutes."""


class WebhookFormatError(Exception):
    """The signed body is not an event of OpenAI's."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A call that waits at OpenAI to be accepted.

    `caller` is E.164, None when withheld, unreadable or found forged. `headers` are the INVITE's, under names
    of any case, repeats kept in order.
    """

    rtc_id: str
    caller: str | None
    headers: MultiMapping[str]


def verify(secrets: Iterable[str], headers: MultiMapping[str], body: bytes, now: float) -> str:
    """Check the signature over the raw body and return the delivery's id, the same for every repeat.

    Raises:
        WebhookSignatureError: on every kind of missing, malformed, old or wrong signature.
    """
    try:
        (delivery,), (timestamp,), (signatures,) = (
            headers.getall(f"webhook-{name}") for name in ("id", "timestamp", "signature")
        )
        fresh = abs(now - int(timestamp)) <= TOLERANCE_SECONDS
        signed = f"{delivery}.{timestamp}.".encode() + body
        given = [value.encode() for value in signatures.split() if value.startswith("v1,")]
    except (KeyError, ValueError, OverflowError) as error:
        raise WebhookSignatureError from error
    expected = [b"v1," + base64.b64encode(_mac(secret, signed)) for secret in secrets]
    if not fresh or not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise WebhookSignatureError
    return delivery


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)


class _Header(BaseModel):
    name: str
    value: str


class _OfferData(BaseModel):
    call_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")
    sip_headers: list[_Header]


class Event(BaseModel):
    """An event of OpenAI's; only the offer of a call is looked at."""

    type: str
    data: object = None


def read(body: bytes) -> Offer | None:
    """Read a verified body; None for every event that is not the offer of a call.

    Raises:
        WebhookFormatError: it is not an event at all, or an offer without what is needed.
    """
    try:
        event = Event.model_validate(orjson.loads(body))
        if event.type != _OFFER:
            return None
        data = _OfferData.model_validate(event.data)
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise WebhookFormatError from error
    headers = CIMultiDict((header.name, header.value) for header in data.sip_headers)
    # A verdict that the sender of the INVITE puts before the carrier's must not hide it.
    forged = any(map(phone.is_forged, headers.getall(_VERDICT, [])))
    caller = None if forged else caller_of(headers.get("From", ""))
    return Offer(data.call_id, caller, headers)


def caller_of(address: str) -> str | None:
    """Read the number out of a SIP From header; None unless its user part is a full number and nothing else.

    Only the address counts: a display name may say anything, digits included.
    """
    uri = _address(address.strip())
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in {"sip", "sips", "tel"}:
        return None
    user = rest.partition("@")[0] if "@" in rest or scheme.lower() == "tel" else ""
    user = unquote(user.partition(";")[0].partition(":")[0])
    digits = user.translate(str.maketrans("", "", " -.()"))
    return phone.caller_number(digits if digits.startswith("+") else f"+{digits}")


def _address(text: str) -> str:
    if text.startswith('"'):
        end = 1
        while end < len(text) and text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        text = text[end + 1 :]
    before, bracket, rest = text.partition("<")
    return rest.partition(">")[0].strip() if bracket else before.strip()
