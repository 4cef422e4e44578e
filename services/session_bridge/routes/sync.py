"""`POST /sync-transcript`: write a call into OpenClaw now, and tell the truth about it."""

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.session_bridge.domain.session import Session, State
from services.session_bridge.domain.session_key import agent_of
from services.session_bridge.keys import DELIVERY, JOURNAL, OPENCLAW, VOICE_SERVER
from shared.problems import json_response, read_json


class CallRunningError(Exception):
    """The call is still running; it is written by itself when it has ended."""


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")

    call_id: str = Field(alias="callId", pattern=r"^[A-Za-z0-9_-]{1,128}$")


_REQUEST = TypeAdapter(_Request)


async def sync(request: web.Request) -> web.Response:
    """Write a call now, fetched from the voice server if it is not here; 202 if it has to wait."""
    app = request.app
    call_id = (await read_json(request, _REQUEST)).call_id
    with structlog.contextvars.bound_contextvars(call_id=call_id):
        session = await app[JOURNAL].session(call_id) or await _fetched(app, call_id)
        if session.state is State.ACTIVE:
            raise CallRunningError
        session, injected = await app[DELIVERY].attempt(session.call_id)
        if session.state is not State.SYNCED or session.session_key is None:
            app[DELIVERY].start(session.call_id)
            pending = {"success": False, "state": "pending", "reason": session.last_error}
            return json_response(pending, status=202)
    return json_response(
        {
            "success": True,
            "sessionKey": session.session_key,
            "messagesInjected": injected,
            "store": app[OPENCLAW].store(agent_of(session.session_key)),
        }
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
