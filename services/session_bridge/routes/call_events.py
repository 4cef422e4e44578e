"""`POST /call-event`: what the voice server tells us, kept before it is acknowledged."""

import structlog
from aiohttp import web

from services.session_bridge.adapters.openclaw_folder import CannotWriteYetError
from services.session_bridge.keys import DELIVERY, JOURNAL, SESSION_KEYS, TAILS
from shared.events import CallEnded, KeptEvent, TranscriptPartial, call_event
from shared.problems import json_response, read_json

log = structlog.get_logger()


async def take(request: web.Request) -> web.Response:
    """Take one event: kept on disk, a partial only shown. A repeat is answered and dropped."""
    event = await read_json(request, call_event)
    with structlog.contextvars.bound_contextvars(call_id=event.call_id):
        if isinstance(event, TranscriptPartial):
            return await _show(request.app, event)
        receipt = await request.app[JOURNAL].accept(event, await _first_key(request.app, event))
        if isinstance(event, CallEnded):
            request.app[DELIVERY].start(event.call_id)
            log.info("call_ended", status=event.data.status, events=event.sequence)
    status = "accepted" if receipt.is_new else "duplicate"
    return json_response({"status": status, "sessionKey": receipt.session_key})


async def _show(app: web.Application, partial: TranscriptPartial) -> web.Response:
    session = await app[JOURNAL].session(partial.call_id)
    key = session.session_key if session else None
    app[TAILS].publish(partial, key)
    return json_response({"status": "accepted", "sessionKey": key})


async def _first_key(app: web.Application, event: KeptEvent) -> str | None:
    """Decide the key at a call's first event; None if it cannot be, then the delivery decides."""
    if event.sequence != 1:
        return None
    try:
        return await app[SESSION_KEYS].decide(event.phone_number, event.call_id)
    except CannotWriteYetError as error:
        log.warning("session_key_undecided", reason=str(error))
        return None
