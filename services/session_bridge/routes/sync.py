"""`POST /sync-transcript`: write a call into OpenClaw now, and tell the truth about it."""

from typing import Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.session_bridge.domain.choice import Store
from services.session_bridge.domain.session import Session, State
from services.session_bridge.keys import DELIVERY, JOURNAL, VOICE_SERVER
from services.session_bridge.routes.views import Answer, CallId
from shared.operation import operation
from shared.problems import json_response


class CallRunningError(Exception):
    """The call is still running; it is written by itself when it has ended."""


class SyncRequest(BaseModel):
    """Which call to write, by either of its ids."""

    model_config = ConfigDict(extra="forbid")

    call_id: CallId = Field(alias="callId")


class Synced(Answer):
    """The call is in OpenClaw; `messages_injected` counts what was written just now.

    `store` is null for a call without a word.
    """

    success: Literal[True] = True
    session_key: str
    messages_injected: int
    store: Store | None


class SyncPending(Answer):
    """The write has to wait for what `reason` names, and is made as soon as it can be."""

    success: Literal[False] = False
    state: Literal["pending"] = "pending"
    reason: str


@operation({200: Synced, 202: SyncPending}, problems=(404, 409, 502, 503, 504))
async def sync_transcript(request: web.Request, body: SyncRequest) -> web.Response:
    """Write a call now, fetched from the voice server if it is not here; 202 if it has to wait."""
    app = request.app
    with structlog.contextvars.bound_contextvars(call_id=body.call_id):
        session = await app[JOURNAL].session(body.call_id) or await _fetched(app, body.call_id)
        if session.state is State.ACTIVE:
            raise CallRunningError
        session, injected = await app[DELIVERY].attempt(session.call_id)
        if session.state is not State.SYNCED or session.session_key is None:
            reason = session.last_error or "An earlier call of this conversation has to be written first."
            return json_response(SyncPending(reason=reason), status=202)
    return json_response(
        Synced(session_key=session.session_key, messages_injected=injected, store=session.store)
    )


async def _fetched(app: web.Application, call_id: str) -> Session:
    """Take over a call from the voice server, which may know it here under its other id."""
    call = await app[VOICE_SERVER].call(call_id)
    if session := await app[JOURNAL].session(call.call_id):
        return session
    if not call.status.is_final:
        raise CallRunningError
    turns = await app[VOICE_SERVER].turns(call.call_id)
    session = call.session(len(turns))
    await app[JOURNAL].import_call(session, turns)
    return session
