"""What Twilio asks and tells us: `/voice/twiml`, `/voice/incoming`, and status callbacks."""

import structlog
from aiohttp import web
from multidict import MultiDict
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.voice_server.adapters import twilio_webhook
from services.voice_server.adapters.twilio_recordings import Seconds, Sid
from services.voice_server.adapters.twilio_webhook import ToBeRecorded, TwilioSignatureError
from services.voice_server.domain import signals as s
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.recording import Made, notice
from services.voice_server.keys import PEERS, RECORDER, SETTINGS, SWITCHBOARD
from shared import phone
from shared.operation import operation
from shared.problems import InvalidRequestError, explain

log = structlog.get_logger()
routes = web.RouteTableDef()

_MAX_FIELDS = 500
"""Twilio sends some forty."""


class CallForm(BaseModel):
    """What Twilio posts about a call, or with a `RecordingStatus` about its recording, as far as needed."""

    model_config = ConfigDict(extra="allow")

    AccountSid: str
    CallSid: str = Field(pattern=r"^[A-Za-z0-9]{1,64}$")
    CallStatus: str = ""
    From: str = ""
    StirVerstat: str = ""
    RecordingSid: Sid | None = None
    RecordingStatus: str = ""
    RecordingDuration: Seconds = None


class LegQuery(BaseModel):
    """Which of our calls it is about, by the address we gave Twilio for it."""

    ref: str = ""


FORM = {"application/x-www-form-urlencoded": CallForm}
_twiml_for_twilio = operation({200: "text/xml"}, problems=(503,), security=("twilio",), signed=FORM)


@routes.post("/voice/twiml")
@_twiml_for_twilio
async def person_answered(request: web.Request, query: LegQuery) -> web.Response:
    """Connect the person who has just picked up our call to the model."""
    form = await verified_form(request)
    switchboard = request.app[SWITCHBOARD]
    runner = switchboard.find(query.ref)
    if runner is None:
        log.warning("unknown_call_hung_up")
        return _twiml(twilio_webhook.hang_up_twiml())
    switchboard.placed(runner, form.CallSid)
    runner.tell(s.LegAnswered())
    return _twiml(await _bridge(request, runner.record, form.CallSid, runner.record.own_number))


@routes.post("/voice/incoming")
@_twiml_for_twilio
async def person_called(request: web.Request) -> web.Response:
    """Decide about somebody who calls a number that points at this server."""
    form = await verified_form(request)
    forged = phone.is_forged(form.StirVerstat)
    number = None if forged else phone.caller_number(form.From)
    outcome = await request.app[SWITCHBOARD].arrived(form.CallSid, number)
    if isinstance(outcome, str):
        return _twiml(twilio_webhook.reject_twiml(outcome))
    return _twiml(await _bridge(request, outcome, form.CallSid, number or outcome.own_number))


async def status_changed(request: web.Request, ref: str) -> web.Response:
    """Take in what became of a person's leg, or of a recording. Answered at once; others see to it."""
    form = await verified_form(request)
    if form.RecordingStatus in {"completed", "absent"} and form.RecordingSid:
        made = Made(form.RecordingSid, form.RecordingDuration, form.RecordingStatus == "absent")
        await request.app[RECORDER].told(form.CallSid, made)
        return web.Response(status=204)
    switchboard = request.app[SWITCHBOARD]
    runner = switchboard.find(ref) or switchboard.find(form.CallSid)
    if runner is None:
        log.info("status_of_unknown_call", status=form.CallStatus)
        return web.Response(status=204)
    if ref:
        switchboard.placed(runner, form.CallSid)
    if signal := twilio_webhook.signal_of(form.CallStatus):
        runner.tell(signal)
    return web.Response(status=204)


async def verified_form(request: web.Request) -> CallForm:
    """Read a request's form once it is certain that Twilio sent it for our account.

    Raises:
        TwilioSignatureError: it did not.
        InvalidRequestError: it did, but it is not a call's.
    """
    signature = request.headers.get("X-Twilio-Signature", "")
    if not signature or request.content_type != "application/x-www-form-urlencoded":
        raise TwilioSignatureError
    if (await request.read()).count(b"&") > _MAX_FIELDS:  # to sort them all would cost more than to be asked
        raise TwilioSignatureError
    try:
        form = MultiDict((name, str(value)) for name, value in (await request.post()).items())
    except (UnicodeDecodeError, LookupError, ValueError) as error:
        raise TwilioSignatureError from error
    settings = request.app[SETTINGS]
    url = settings.public_url + request.raw_path
    twilio_webhook.verify(settings.twilio_auth_token.get_secret_value(), url, form, signature)
    if form.get("AccountSid") != settings.twilio_account_sid:
        raise TwilioSignatureError
    try:
        call = CallForm.model_validate(dict(form))
    except ValidationError as error:
        raise InvalidRequestError(explain(error)) from error
    structlog.contextvars.bind_contextvars(call_id=call.CallSid)
    return call


async def _bridge(request: web.Request, record: CallRecord, call_sid: str, caller_id: str) -> str:
    if record.sip_token is None or record.phase in {Phase.CLOSING, Phase.ENDED}:
        return twilio_webhook.hang_up_twiml()
    settings, recording = request.app[SETTINGS], None
    if settings.record_calls.wants(record.direction):
        await request.app[RECORDER].expect(call_sid)
        recording = ToBeRecorded(notice(request.app[PEERS].agent), f"{settings.public_url}/webhook")
    return twilio_webhook.bridge_twiml(
        settings.openai_project_id,
        settings.sip_host,
        token=record.sip_token,
        caller_id=caller_id,
        time_limit_seconds=record.max_call_seconds,
        recording=recording,
    )


def _twiml(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")
