"""Twilio's requests to us: is it really Twilio, and what became of the person's leg?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from multidict import MultiMapping
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Dial, VoiceResponse

from services.voice_server.domain import signals as s
from services.voice_server.domain.recording import Notice
from shared.events import CallStatus

TOKEN_HEADER = "X-Openclaw-Call"  # noqa: S105 - the name of a SIP header, not a secret

_SIGNALS: Mapping[str, s.Signal] = {
    "ringing": s.LegRang(),
    "in-progress": s.LegAnswered(),
    "completed": s.LegEnded(CallStatus.COMPLETED),
    "busy": s.LegEnded(CallStatus.BUSY),
    "no-answer": s.LegEnded(CallStatus.NO_ANSWER),
    "failed": s.LegEnded(CallStatus.FAILED),
    "canceled": s.LegEnded(CallStatus.CANCELED),
}


class TwilioSignatureError(Exception):
    """The request is not signed with TWILIO_AUTH_TOKEN for PUBLIC_URL: both must be what Twilio knows."""


def verify(auth_token: str, url: str, form: MultiMapping[Any], signature: str) -> None:
    """Check `X-Twilio-Signature`, made over the URL as Twilio knows it and all form fields.

    Raises:
        TwilioSignatureError: on every kind of missing, malformed or wrong signature.
    """
    try:
        genuine = RequestValidator(auth_token).validate(url, form, signature)
    except (TypeError, ValueError, IndexError) as error:
        raise TwilioSignatureError from error
    if not genuine:
        raise TwilioSignatureError


def signal_of(status: str) -> s.Signal | None:
    """Translate a `CallStatus`; None for one that says nothing new."""
    return _SIGNALS.get(status)


@dataclass(frozen=True, slots=True)
class ToBeRecorded:
    """How a call is recorded: what the person is told first, and where Twilio tells of the recording."""

    notice: Notice
    callback: str


def bridge_twiml(
    project_id: str,
    sip_host: str,
    *,
    token: str,
    caller_id: str,
    time_limit_seconds: int,
    recording: ToBeRecorded | None = None,
) -> str:
    """Write the TwiML that connects the person to OpenAI, with the secret by which the call is recognised.

    What is recorded is the bridge: it begins when the notice has been spoken, with a channel for each side.
    """
    response = VoiceResponse()
    dial = Dial(caller_id=caller_id, time_limit=time_limit_seconds, answer_on_bridge=True)
    if recording:
        response.say(recording.notice.words, language=recording.notice.locale)
        dial = Dial(
            caller_id=caller_id,
            time_limit=time_limit_seconds,
            answer_on_bridge=True,
            record="record-from-answer-dual",
            recording_status_callback=f"{recording.callback}#rc=3&rp=ct,rt,5xx",
            recording_status_callback_event="completed absent",
        )
    dial.sip(f"sip:{project_id}@{sip_host};transport=tls?{urlencode({TOKEN_HEADER: token})}")
    response.append(dial)
    return str(response)


def hang_up_twiml() -> str:
    """Write the TwiML that ends a call nobody knows."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def reject_twiml(reason: str) -> str:
    """Write the TwiML that turns a caller away unanswered; `reason` is `rejected` or `busy`."""
    response = VoiceResponse()
    response.reject(reason=reason)
    return str(response)
