"""`POST /call-event`: what the voice server tells us, kept before it is acknowledged."""

from typing import Literal

import structlog
from aiohttp import web

from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.keys import DELIVERY, JOURNAL, MESSENGER, METRICS, SESSION_KEYS, TAILS
from services.session_bridge.routes.views import Answer
from shared.events import CallEnded, CallEvent, KeptEvent, TranscriptPartial
from shared.operation import operation
from shared.problems import json_response

log = structlog.get_logger()


class EventReceipt(Answer):
    """What became of an event; `session_key` is null while undecided."""

    status: Literal["accepted", "duplicate"]
    session_key: str | None


@operation({200: EventReceipt}, problems=(409, 503))
async def take(request: web.Request, body: CallEvent) -> web.Response:
    """Take one event: kept on disk, a partial only shown. A repeat is answered and dropped."""
    with structlog.contextvars.bound_contextvars(call_id=body.call_id):
        seen = request.app[METRICS].events
        if isinstance(body, TranscriptPartial):
            seen.labels(body.event_type, "shown").inc()
            return await _show(request.app, body)
        receipt = await request.app[JOURNAL].accept(body, await _first_key(request.app, body))
        status: Literal["accepted", "duplicate"] = "accepted" if receipt.is_new else "duplicate"
        seen.labels(body.event_type, status).inc()
        if receipt.is_late:
            request.app[MESSENGER].hurry()
        if isinstance(body, CallEnded):
            request.app[DELIVERY].start(body.call_id, receipt.session_key)
            log.info("call_ended", status=body.data.status, events=body.sequence)
    return json_response(EventReceipt(status=status, session_key=receipt.session_key))


async def _show(app: web.Application, partial: TranscriptPartial) -> web.Response:
    session = await app[JOURNAL].session(partial.call_id)
    key = session.session_key if session else None
    app[TAILS].publish(partial, key)
    return json_response(EventReceipt(status="accepted", session_key=key))


async def _first_key(app: web.Application, event: KeptEvent) -> str | None:
    """Decide the key at a call's first event; None if it cannot be, then the delivery decides."""
    if event.sequence != 1:
        return None
    try:
        return await app[SESSION_KEYS].decide(event.phone_number, event.call_id)
    except CannotWriteYetError as error:
        log.warning("session_key_undecided", reason=str(error))
        return None
