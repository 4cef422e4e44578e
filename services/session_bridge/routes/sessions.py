"""`GET /sessions`: the calls and what has become of each."""

import time
from typing import Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.session_bridge.domain.session import Session, State
from services.session_bridge.keys import JOURNAL
from services.session_bridge.routes.views import Answer, CallId
from shared.events import Direction, Timestamp
from shared.operation import operation
from shared.problems import json_response


class SessionsQuery(BaseModel):
    """Which calls are wanted, and how many of them at most; `callId` as the events of the call have it."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    call_id: CallId | None = Field(None, alias="callId")
    limit: int | None = Field(None, ge=1, le=1000)


class SessionView(Answer):
    """A call as it is watched. `turns` counts them; `last_error` says what keeps it out of OpenClaw.

    `overdue` is true when that has been so for more than a day.
    """

    session_key: str | None
    call_id: str
    phone_number: str
    direction: Direction
    started_at: Timestamp
    turns: int
    state: State
    last_error: str | None
    overdue: bool

    @classmethod
    def of(cls, session: Session) -> Self:
        """Show a session."""
        shown = {name: getattr(session, name) for name in cls.model_fields if name != "overdue"}
        return cls(**shown, overdue=session.is_overdue(time.time()))


class Sessions(Answer):
    """The calls, the newest first."""

    sessions: list[SessionView]


@operation({200: Sessions}, problems=(503,))
async def list_sessions(request: web.Request, query: SessionsQuery) -> web.Response:
    """List the calls, the newest first."""
    states = (query.state,) if query.state else tuple(State)
    if query.call_id is None:
        sessions = await request.app[JOURNAL].sessions(*states, limit=query.limit)
    else:
        session = await request.app[JOURNAL].session(query.call_id)
        sessions = [session] if session and session.state in states else []
    return json_response(Sessions(sessions=[SessionView.of(session) for session in sessions]))
