"""`/webhook`: OpenAI's events and Twilio's status callbacks, told apart by their signature headers."""

import time

import structlog
from aiohttp import web

from services.voice_server.adapters import openai_webhook
from services.voice_server.adapters.openai_webhook import WebhookSignatureError
from services.voice_server.adapters.twilio_webhook import TwilioSignatureError
from services.voice_server.keys import METRICS, SETTINGS, SWITCHBOARD
from services.voice_server.routes import twilio
from shared.operation import operation

log = structlog.get_logger()
routes = web.RouteTableDef()


@routes.post("/webhook")
@operation(
    {200: None, 204: None},
    problems=(503,),
    security=("openai", "twilio"),
    signed={"application/json": openai_webhook.Event, **twilio.FORM},
)
async def webhook(request: web.Request, query: twilio.LegQuery) -> web.Response:
    """Take in a webhook: answered within milliseconds, whatever has to be done about it."""
    outcomes = request.app[METRICS].webhooks
    try:
        if "X-Twilio-Signature" in request.headers:
            answer, outcome = await twilio.status_changed(request, query.ref), "status"
        else:
            answer, outcome = web.Response(), await _told_by_openai(request)
    except (TwilioSignatureError, WebhookSignatureError):
        outcomes.labels("bad_signature").inc()
        raise
    outcomes.labels(outcome).inc()
    return answer


async def _told_by_openai(request: web.Request) -> str:
    if "webhook-signature" not in request.headers:
        raise WebhookSignatureError("The request carries no signature, neither OpenAI's nor Twilio's.")
    body = await request.read()
    secrets = [secret.get_secret_value() for secret in request.app[SETTINGS].openai_webhook_secret]
    delivery = openai_webhook.verify(secrets, request.headers, body, time.time())
    offer = openai_webhook.read(body)
    if offer is None:
        return "ignored"
    structlog.contextvars.bind_contextvars(call_id=offer.rtc_id)
    if await request.app[SWITCHBOARD].offered(offer):
        return "offer"
    log.info("webhook_repeated", delivery=delivery)
    return "repeated"
